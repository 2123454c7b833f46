/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the camera's capture time (CLOCK_MONOTONIC) to a pipeline's running time.
 */
#include "clock.h"

#include <ctime>

namespace cmacam::gst {

namespace {

constexpr GstClockTime kJitter = GST_SECOND;
constexpr int kReadings = 3;

uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return GST_TIMESPEC_TO_TIME(time);
}

uint64_t monotonicNow()
{
	return now(CLOCK_MONOTONIC);
}

} /* namespace */

/*
 * Being scheduled out between two readings would shift the frame in time, so
 * each reading of the foreign clock is bracketed and the tightest one wins.
 */
ClockPair readClocks(GstClock *clock)
{
	ClockPair best = {};
	uint64_t tightest = UINT64_MAX;

	for (int i = 0; i < kReadings; i++) {
		const uint64_t before = monotonicNow();
		const GstClockTime time = gst_clock_get_time(clock);
		const uint64_t width = monotonicNow() - before;

		if (width < tightest) {
			tightest = width;
			best = {before + width / 2, time};
		}
	}

	return best;
}

uint64_t unixTime(uint64_t monotonic)
{
	if (!monotonic)
		return 0;

	const uint64_t age = monotonicNow() - monotonic;
	return now(CLOCK_REALTIME) - age;
}

GstClockTime captureTime(uint64_t captured, const ClockPair &now)
{
	/* However long ago: an exposure has no longest time, and a frame may have waited. */
	const bool known = captured != 0 && captured <= now.monotonic;
	const uint64_t delay = known ? now.monotonic - captured : 0;

	return now.clock > delay ? now.clock - delay : 0;
}

GstClockTime runningTime(GstClockTime time, GstClockTime baseTime)
{
	return time > baseTime ? time - baseTime : 0;
}

GstClockTime inOrder(GstClockTime time, GstClockTime last)
{
	if (!GST_CLOCK_TIME_IS_VALID(last) || time > last || last - time > kJitter)
		return time;

	return last + 1;
}

} /* namespace cmacam::gst */
