/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the camera's capture time (CLOCK_MONOTONIC) to a pipeline's running time.
 */
#include "clock.h"

#include <ctime>

namespace cmacam {

namespace {

constexpr uint64_t kStale = 10 * GST_SECOND;
constexpr int kReadings = 3;

uint64_t monotonicNow()
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return GST_TIMESPEC_TO_TIME(now);
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

GstClockTime runningTime(uint64_t captured, const ClockPair &now, GstClockTime baseTime)
{
	const bool plausible =
		captured != 0 && captured <= now.monotonic && now.monotonic - captured <= kStale;
	const uint64_t age = plausible ? now.monotonic - captured : 0;

	if (now.clock < baseTime || now.clock - baseTime < age)
		return 0;

	return now.clock - baseTime - age;
}

} /* namespace cmacam */
