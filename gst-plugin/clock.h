/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From the camera's capture time (CLOCK_MONOTONIC) to a pipeline's running time.
 */
#pragma once

#include <cstdint>

#include <gst/gst.h>

namespace cmacam::gst {

/* One instant on both clocks, ns. */
struct ClockPair
{
	uint64_t monotonic;
	GstClockTime clock;
};

/** Reads @clock and CLOCK_MONOTONIC as close together as they can be. */
ClockPair readClocks(GstClock *clock);

/** The instant @monotonic on CLOCK_REALTIME as it is set now, ns since 1970. */
uint64_t unixTime(uint64_t monotonic);

/**
 * The instant @captured on the clock that was read. A stamp that cannot be right
 * (none, in the future, more than ten seconds old) counts as taken now.
 */
GstClockTime captureTime(uint64_t captured, const ClockPair &now);

/** Running time of the instant @time, 0 if that was before the pipeline ran. */
GstClockTime runningTime(GstClockTime time, GstClockTime baseTime);

/**
 * @time, put behind @last, the time of the frame before (or none), where
 * jitter of the clocks would reorder frames. Far behind it a new running time
 * has begun, as a flush does it, and @time stands.
 */
GstClockTime inOrder(GstClockTime time, GstClockTime last);

} /* namespace cmacam::gst */
