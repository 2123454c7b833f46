/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Converts the capture time of a frame (CLOCK_MONOTONIC) to the running time of a pipeline.
 */
#pragma once

#include <cstdint>

#include <gst/gst.h>

namespace cmacam::gst {

/* The times of one instant on CLOCK_MONOTONIC and on a GstClock, ns. */
struct ClockPair
{
	uint64_t monotonic;
	GstClockTime clock;
};

/**
 * Reads @clock and CLOCK_MONOTONIC at nearly the same time. The function makes
 * several pairs of readings and returns the pair whose readings took the least time.
 */
ClockPair readClocks(GstClock *clock);

/**
 * Converts @monotonic, a time on CLOCK_MONOTONIC in ns, to the time on
 * CLOCK_REALTIME in ns since 1970. The result depends on the present setting of
 * CLOCK_REALTIME. If @monotonic is 0, the frame has no timestamp. In this case the
 * function returns 0.
 */
uint64_t unixTime(uint64_t monotonic);

/**
 * Converts the capture time @captured from CLOCK_MONOTONIC to the GstClock of
 * @now. A capture time is wrong if it is 0 or in the future. If @captured is wrong,
 * the function returns the time of the GstClock in @now.
 */
GstClockTime captureTime(uint64_t captured, const ClockPair &now);

/** Returns the running time at the clock time @time. Returns 0 if @time is before @baseTime. */
GstClockTime runningTime(GstClockTime time, GstClockTime baseTime);

/**
 * Keeps the times of successive frames in order. @time is the running time of a
 * frame. @last is the running time of the frame before, or GST_CLOCK_TIME_NONE if
 * there was no frame before. If @time equals @last or is at most one second before
 * @last, the reason is jitter of the clocks, and the function returns @last + 1. In
 * all other cases, the function returns @time. If @time is more than one second before
 * @last, a new running time has begun, for example after a flush.
 */
GstClockTime inOrder(GstClockTime time, GstClockTime last);

} /* namespace cmacam::gst */
