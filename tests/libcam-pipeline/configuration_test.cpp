/* SPDX-License-Identifier: MIT */
/*
 * Sizes that the node does not offer become sizes that it does, and streams
 * find their outputs.
 */

#include <vector>

#include <gtest/gtest.h>

#include <libcamera/formats.h>

#include "configuration.h"

using libcamera::Size;
using libcamera::SizeRange;
using libcamera::StreamConfiguration;

namespace formats = libcamera::formats;

namespace {

Size nearest(const SizeRange &range, const Size &size)
{
	return libcamera::CmacamCameraConfiguration::nearestSize(range, size);
}

StreamConfiguration stream(const libcamera::PixelFormat &format, const Size &size)
{
	StreamConfiguration cfg;
	cfg.pixelFormat = format;
	cfg.size = size;
	return cfg;
}

unsigned int mainOf(const std::vector<StreamConfiguration> &configs)
{
	return libcamera::CmacamCameraConfiguration::mainIndex(configs);
}

unsigned int wantedStride(const StreamConfiguration &cfg, const StreamConfiguration &validated)
{
	return libcamera::CmacamCameraConfiguration::wantedStride(cfg, validated);
}

const SizeRange kRange{{16, 16}, {3840, 2160}, 2, 2};

} /* namespace */

TEST(NearestSize, OfferedSizesStay)
{
	for (const Size &size : {Size{16, 16}, Size{640, 480}, Size{3840, 2160}})
		EXPECT_EQ(nearest(kRange, size), size);
}

TEST(NearestSize, OddSizesAreRoundedDown)
{
	EXPECT_EQ(nearest(kRange, {641, 479}), Size(640, 478));
}

TEST(NearestSize, Clamped)
{
	EXPECT_EQ(nearest(kRange, {0, 0}), Size(16, 16));
	EXPECT_EQ(nearest(kRange, {1, 5000}), Size(16, 2160));
	EXPECT_EQ(nearest(kRange, {UINT32_MAX, UINT32_MAX}), Size(3840, 2160));
}

TEST(NearestSize, StepsCountFromTheMinimum)
{
	const SizeRange range{{10, 10}, {100, 100}, 16, 16};
	EXPECT_EQ(nearest(range, {30, 100}), Size(26, 90));
}

TEST(NearestSize, DiscreteSize)
{
	EXPECT_EQ(nearest(SizeRange{Size{640, 480}}, {800, 600}), Size(640, 480));
}

TEST(MainIndex, TheOnlyOne)
{
	EXPECT_EQ(mainOf({stream(formats::NV12, {16, 16})}), 0U);
}

TEST(MainIndex, TheLargerOne)
{
	const StreamConfiguration small = stream(formats::NV12, {640, 480});
	const StreamConfiguration large = stream(formats::R8, {1920, 1080});
	EXPECT_EQ(mainOf({small, large}), 1U);
	EXPECT_EQ(mainOf({large, small}), 0U);
	EXPECT_EQ(mainOf({small, small}), 0U);
}

TEST(MainIndex, RawHowSmallItMayBe)
{
	const StreamConfiguration raw = stream(formats::SRGGB8, {64, 64});
	const StreamConfiguration large = stream(formats::NV12, {1920, 1080});
	EXPECT_EQ(mainOf({large, raw}), 1U);
	EXPECT_EQ(mainOf({raw, large}), 0U);
	EXPECT_EQ(mainOf({raw, raw}), 0U);
}

TEST(WantedStride, NoneIsWantedAtFirst)
{
	EXPECT_EQ(wantedStride(stream(formats::NV12, {640, 480}), {}), 0U);
}

TEST(WantedStride, WhatTheApplicationAsksFor)
{
	StreamConfiguration cfg = stream(formats::NV12, {720, 576});
	cfg.stride = 1024;
	EXPECT_EQ(wantedStride(cfg, {}), 1024U);

	StreamConfiguration validated = stream(formats::NV12, {640, 480});
	validated.stride = 640;
	EXPECT_EQ(wantedStride(cfg, validated), 1024U);
}

TEST(WantedStride, StaysInForceWhenValidatedAgain)
{
	StreamConfiguration validated = stream(formats::NV12, {720, 576});
	validated.stride = 1024;
	EXPECT_EQ(wantedStride(validated, validated), 1024U);
}

TEST(WantedStride, ThatOfAnotherSizeOrFormatIsNoWish)
{
	StreamConfiguration validated = stream(formats::NV12, {1280, 720});
	validated.stride = 1280;

	StreamConfiguration smaller = validated;
	smaller.size = {320, 240};
	EXPECT_EQ(wantedStride(smaller, validated), 0U);

	StreamConfiguration other = validated;
	other.pixelFormat = formats::R8;
	EXPECT_EQ(wantedStride(other, validated), 0U);
}
