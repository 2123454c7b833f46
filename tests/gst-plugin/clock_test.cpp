/* SPDX-License-Identifier: MIT */
/*
 * Clock mapping: capture time becomes running time, whatever the clock.
 */
#include "clock.h"

#include <ctime>

#include <gst/check/gsttestclock.h>
#include <gtest/gtest.h>

#include "gst_ptr.h"

namespace cmacam::gst {
namespace {

constexpr uint64_t kNow = 5000 * GST_SECOND;
constexpr uint64_t kAge = 20 * GST_MSECOND;

TEST(Clock, SameClock)
{
	EXPECT_EQ(captureTime(kNow - kAge, {kNow, kNow}), kNow - kAge);
}

TEST(Clock, ForeignClockKeepsTheAge)
{
	EXPECT_EQ(captureTime(kNow - kAge, {kNow, 77 * GST_SECOND}), 77 * GST_SECOND - kAge);
	EXPECT_EQ(captureTime(kNow - kAge, {kNow, kAge / 2}), 0u);
}

TEST(Clock, CapturedBeforeThePipelineRanIsZero)
{
	EXPECT_EQ(runningTime(kNow, kNow - GST_SECOND), GST_SECOND);
	EXPECT_EQ(runningTime(kNow - kAge, kNow - kAge / 2), 0u);
}

TEST(Clock, ImpossibleStampsCountAsNow)
{
	const ClockPair now = {kNow, kNow};

	EXPECT_EQ(captureTime(0, now), kNow);
	EXPECT_EQ(captureTime(kNow + 1, now), kNow);
}

TEST(Clock, AStampOfALongExposureIsKept)
{
	const ClockPair now = {kNow, kNow};

	EXPECT_EQ(captureTime(kNow - 9 * GST_SECOND, now), kNow - 9 * GST_SECOND);
	EXPECT_EQ(captureTime(kNow - 3600 * GST_SECOND, now), kNow - 3600 * GST_SECOND);
}

TEST(Clock, JitterDoesNotReorderFrames)
{
	EXPECT_EQ(inOrder(5, GST_CLOCK_TIME_NONE), 5u);
	EXPECT_EQ(inOrder(kNow + 1, kNow), kNow + 1);
	EXPECT_EQ(inOrder(kNow, kNow), kNow + 1);
	EXPECT_EQ(inOrder(kNow - kAge, kNow), kNow + 1);
}

TEST(Clock, ANewRunningTimeIsNoJitter)
{
	EXPECT_EQ(inOrder(kAge, kNow), kAge);
	EXPECT_EQ(inOrder(0, 2 * GST_SECOND), 0u);
}

TEST(Clock, BothClocksAreRead)
{
	const ClockPtr clock(gst_test_clock_new_with_start_time(42 * GST_SECOND));
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	const ClockPair pair = readClocks(clock.get());
	clock_gettime(CLOCK_MONOTONIC, &after);

	EXPECT_EQ(pair.clock, 42 * GST_SECOND);
	EXPECT_GE(pair.monotonic, GST_TIMESPEC_TO_TIME(before));
	EXPECT_LE(pair.monotonic, GST_TIMESPEC_TO_TIME(after));
}

TEST(Clock, UnixTimeIsTheSameInstant)
{
	struct timespec monotonic, real;
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_REALTIME, &real);

	const uint64_t then = unixTime(GST_TIMESPEC_TO_TIME(monotonic) - 5 * GST_SECOND);
	EXPECT_NEAR(double(then), double(GST_TIMESPEC_TO_TIME(real) - 5 * GST_SECOND),
		    double(GST_SECOND));
	EXPECT_EQ(unixTime(0), 0U) << "a time that is not known";
}

} /* namespace */
} /* namespace cmacam::gst */
