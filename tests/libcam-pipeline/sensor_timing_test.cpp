/* SPDX-License-Identifier: MIT */
/*
 * Microseconds and lines, frame length and exposure.
 */

#include <gtest/gtest.h>

#include "ipa/sensor_timing.h"

using cmacam::fitFrame;
using cmacam::FrameLimits;
using cmacam::FrameShape;
using cmacam::LineTiming;

namespace {

/* Lines of 14.8 us: 4400 pixels at 297 MHz. */
constexpr LineTiming kTiming{297000000, 4400};

constexpr FrameLimits kLimits{
	.minFrame = 2250,
	.maxFrame = 65535,
	.minExposure = 4,
	.margin = 8,
};

} /* namespace */

TEST(LineTiming, RoundsToNearest)
{
	EXPECT_EQ(kTiming.microseconds(1), 15);
	EXPECT_EQ(kTiming.microseconds(2250), 33333);
	EXPECT_EQ(kTiming.lines(33333), 2250U);
	EXPECT_EQ(kTiming.lines(0), 0U);
}

TEST(LineTiming, EveryLineCountSurvivesTheRoundTrip)
{
	const LineTiming timings[] = {
		kTiming,
		{1000000000, 4400}, /* 4.4 us */
		{100000007, 101},   /* 1.01 us, the shortest that can */
		{10000000, 8000},   /* 0.8 ms */
	};

	for (const LineTiming &timing : timings) {
		for (uint32_t lines = 0; lines < 70000; lines++)
			ASSERT_EQ(timing.lines(timing.microseconds(lines)), lines)
				<< timing.pixelRate << "/" << timing.lineLength;
	}
}

TEST(LineTiming, SixtyFramesPerSecond)
{
	constexpr uint32_t lines = 1125; /* 16666.67 us */
	EXPECT_EQ(kTiming.microseconds(lines), 16667);
	EXPECT_EQ(kTiming.microsecondsDown(lines), 16666);
	EXPECT_EQ(kTiming.lines(16666), lines);
	EXPECT_EQ(kTiming.lines(16667), lines);
}

TEST(LineTiming, ExtremesDoNotOverflow)
{
	EXPECT_EQ(kTiming.lines(-1), 0U);
	EXPECT_EQ(kTiming.lines(INT64_MIN), 0U);
	EXPECT_EQ(kTiming.lines(INT64_MAX), kTiming.lines(1800 * 1000000LL));
	EXPECT_EQ(kTiming.lines(1800 * 1000000LL), 121500000U);
}

TEST(LineTiming, WithoutTimingThereIsNothing)
{
	EXPECT_FALSE(LineTiming{}.isValid());
	EXPECT_EQ(LineTiming{}.microseconds(100), 0);
	EXPECT_EQ(LineTiming{}.microsecondsDown(100), 0);
	EXPECT_EQ(LineTiming{}.lines(100), 0U);
}

TEST(FitFrame, ShortExposureKeepsTheShortestFrame)
{
	EXPECT_EQ(fitFrame(kLimits, 2250, 65535, 100), (FrameShape{2250, 100}));
	EXPECT_EQ(fitFrame(kLimits, 3000, 65535, 100), (FrameShape{3000, 100}));
}

TEST(FitFrame, LongExposureStretchesTheFrame)
{
	EXPECT_EQ(fitFrame(kLimits, 2250, 65535, 2242), (FrameShape{2250, 2242}));
	EXPECT_EQ(fitFrame(kLimits, 2250, 65535, 2243), (FrameShape{2251, 2243}));
	EXPECT_EQ(fitFrame(kLimits, 2250, 65535, 10000), (FrameShape{10008, 10000}));
}

TEST(FitFrame, TheFrameRateWinsOverTheExposure)
{
	EXPECT_EQ(fitFrame(kLimits, 2250, 2250, 10000), (FrameShape{2250, 2242}));
	EXPECT_EQ(fitFrame(kLimits, 2250, 65535, UINT32_MAX), (FrameShape{65535, 65527}));
}

TEST(FitFrame, LimitsAreClamped)
{
	EXPECT_EQ(fitFrame(kLimits, 0, 0, 100), (FrameShape{2250, 100}));
	EXPECT_EQ(fitFrame(kLimits, 100000, 200000, 100), (FrameShape{65535, 100}));
	EXPECT_EQ(fitFrame(kLimits, 5000, 3000, 100), (FrameShape{5000, 100}));
	EXPECT_EQ(fitFrame(kLimits, 2250, 65535, 0), (FrameShape{2250, 4}));
}
