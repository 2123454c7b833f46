/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A GstBufferPool of empty GstBuffers ("shells"). FrameWriter puts the memory of a
 * frame into a shell.
 */
#pragma once

#include <vector>

#include <gst/video/video.h>

#include "gst_ptr.h"

namespace cmacam::gst {

/* The values for the GstVideoMeta of a stream's buffers. */
struct BufferLayout
{
	GstVideoFormat format;
	guint width;
	guint height;
	std::vector<gsize> offsets;
	std::vector<gint> strides;
};

/* The start of the exposure of a frame on two clocks, ns. The value 0 means unknown. */
struct ReferenceTimes
{
	/* Time on CLOCK_MONOTONIC, for the caps timestamp/x-clock-monotonic. */
	GstClockTime monotonic;
	/* Time on CLOCK_REALTIME, for the caps timestamp/x-unix. */
	GstClockTime unixTime;
};

/**
 * Makes the pool for one configuration. The pool reuses its buffers together with
 * their metas, so that a frame costs no allocation. When a buffer is freed, it
 * drops its GstMemory and goes back to this pool. The GstMemory goes back to
 * FramePool separately. If other buffers share the GstMemory, the GstMemory goes back
 * later than the buffer. Returns nullptr if the pool cannot be activated.
 */
BufferPoolPtr makeShellPool(const BufferLayout &layout);

/** Takes an empty buffer out of @pool, without waiting. */
BufferPtr takeShell(GstBufferPool *pool);

/** Adds a GstVideoMeta with @layout, without the flag GST_META_FLAG_POOLED. */
void addVideoMeta(GstBuffer *buffer, const BufferLayout &layout);

/**
 * Sets the times in the two GstReferenceTimestampMetas of @buffer. A shell already
 * has these metas. If @buffer is no shell, the function adds the metas to @buffer.
 */
void setReferenceTimes(GstBuffer *buffer, const ReferenceTimes &times);

} /* namespace cmacam::gst */
