/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The GstCustomMeta of a buffer, which describes the frame in the buffer.
 */
#pragma once

#include <gst/gst.h>

#include <cmacam/frame.h>

namespace cmacam::gst {

/* Name of the GstCustomMeta and of its GstStructure. */
inline constexpr const char *kFrameMeta = "GstCmacamFrame";

/**
 * Registers the GstCustomMeta in this process. Calls after the first call do nothing. The
 * plugin calls this function when GStreamer loads the plugin.
 *
 * The meta has no tags. So elements that convert, scale, encode or copy a frame put a copy
 * of the meta on the result.
 */
void registerFrameMeta();

/**
 * Sets the fields of the GstCustomMeta of @buffer, which nobody else refers to. A shell
 * already has this meta. If @buffer has none, the function adds the meta to @buffer.
 *
 * The names and units of the fields are those of the properties of cmacamsrc. Names have
 * at most 14 characters, because GStreamer allocates memory for longer names.
 */
void setFrameMeta(GstBuffer *buffer, const FrameInfo &frame);

} /* namespace cmacam::gst */
