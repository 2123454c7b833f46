/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sets the fields of a GstBuffer that describe the frame in it.
 */
#pragma once

#include <gst/gst.h>

#include "camera_session.h"

namespace cmacam::gst {

/**
 * Returns the running time of @element at which the exposure of @frame began. Returns
 * GST_CLOCK_TIME_NONE if the element has no clock. The user must still have the buffer
 * of @frame, which comes from @session.
 */
GstClockTime startOfExposure(GstElement *element, CameraSession &session,
			     const CompletedFrame &frame);

/**
 * Sets the offset, the reference times, the GstCustomMeta and the flag CORRUPTED of
 * @buffer. If the camera reports the duration of @frame, the function also sets the
 * duration.
 */
void setFrameFields(GstBuffer *buffer, const CompletedFrame &frame);

} /* namespace cmacam::gst */
