/* SPDX-License-Identifier: MIT */
/*
 * Sizes that the node does not offer become sizes that it does.
 */

#include <gtest/gtest.h>

#include "configuration.h"

using libcamera::Size;
using libcamera::SizeRange;

namespace {

Size nearest(const SizeRange &range, const Size &size)
{
	return libcamera::CmacamCameraConfiguration::nearestSize(range, size);
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
