/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Converts the camera's capture time (CLOCK_MONOTONIC) to a pipeline's running time.
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
 * Reads @clock and CLOCK_MONOTONIC. The function reads them several times and
 * returns the pair with the least time between its two readings.
 */
ClockPair readClocks(GstClock *clock);

/**
 * Converts the time @monotonic to CLOCK_REALTIME, ns since 1970. The result
 * depends on how CLOCK_REALTIME is set now. Returns 0 for 0, the time of a frame
 * that has no timestamp.
 */
uint64_t unixTime(uint64_t monotonic);

/**
 * Converts the capture time @captured from CLOCK_MONOTONIC to the GstClock of
 * @now. If @captured cannot be right, the function returns the current time. A
 * capture time is wrong if it is 0, in the future, or more than ten seconds old.
 */
GstClockTime captureTime(uint64_t captured, const ClockPair &now);

/** Returns the running time at the clock time @time; 0 if @time is before @baseTime. */
GstClockTime runningTime(GstClockTime time, GstClockTime baseTime);

/**
 * Keeps the times of successive frames in order. @time is the running time of a
 * frame, and @last is that of the frame before it, or GST_CLOCK_TIME_NONE. Jitter
 * of the clocks can put @time at most one second before @last: the function then
 * returns @last + 1. If @time is earlier than that, a new running time has begun,
 * for example after a flush, and the function returns @time.
 */
GstClockTime inOrder(GstClockTime time, GstClockTime last);

} /* namespace cmacam::gst */
