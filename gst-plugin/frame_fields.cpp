/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The fields of a GstBuffer: what is known of the frame in it.
 */
#include "frame_fields.h"

#include <chrono>

#include "clock.h"
#include "frame_meta.h"
#include "gst_ptr.h"
#include "shell_pool.h"

namespace cmacam::gst {

GstClockTime startOfExposure(GstElement *element, CameraSession &session,
			     const CompletedFrame &frame)
{
	const ClockPtr clock(gst_element_get_clock(element));
	if (!clock)
		return GST_CLOCK_TIME_NONE;

	const GstClockTime captured = session.agreedTime(
		frame, clock.get(),
		captureTime(static_cast<uint64_t>(frame.timestamp), readClocks(clock.get())));
	return runningTime(captured, gst_element_get_base_time(element));
}

void setFrameFields(GstBuffer *buffer, const CompletedFrame &frame)
{
	const auto captured = static_cast<GstClockTime>(frame.timestamp);
	const auto wallClock = static_cast<GstClockTime>(frame.wallClock);

	if (frame.duration.count())
		GST_BUFFER_DURATION(buffer) =
			static_cast<GstClockTime>(std::chrono::nanoseconds(frame.duration).count());
	GST_BUFFER_OFFSET(buffer) = frame.sequence;
	GST_BUFFER_OFFSET_END(buffer) = guint64(frame.sequence) + 1;
	setFrameMeta(buffer, frame);
	setReferenceTimes(buffer, {captured, wallClock ? wallClock : unixTime(captured)});
	if (frame.damaged)
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_CORRUPTED);
}

} /* namespace cmacam::gst */
