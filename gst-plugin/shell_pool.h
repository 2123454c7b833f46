/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A GstBufferPool of empty GstBuffers that a frame's memory is put into.
 */
#pragma once

#include <vector>

#include <gst/video/video.h>

#include "gst_ptr.h"

namespace cmacam::gst {

/* The GstVideoMeta of a stream's buffers. */
struct BufferLayout
{
	GstVideoFormat format;
	guint width;
	guint height;
	std::vector<gsize> offsets;
	std::vector<gint> strides;
};

/* When the exposure of a frame began, ns; zero where it is not known. */
struct ReferenceTimes
{
	/* CLOCK_MONOTONIC: caps timestamp/x-clock-monotonic. */
	GstClockTime monotonic;
	/* CLOCK_REALTIME: caps timestamp/x-unix. */
	GstClockTime unixTime;
};

/**
 * The shells of one configuration: buffers with their metas in place, so that
 * a frame costs no allocation. A shell comes back when the buffer is freed and
 * drops its memory then; the memory finds its own way (FramePool), possibly
 * later, where others share it.
 */
BufferPoolPtr makeShellPool(const BufferLayout &layout);

/** An empty buffer of @pool; never waits. */
BufferPtr takeShell(GstBufferPool *pool);

/** Adds the metas of @layout, without pooling them. */
void addVideoMeta(GstBuffer *buffer, const BufferLayout &layout);

/** Sets the GstReferenceTimestampMetas, which a shell has and others get. */
void setReferenceTimes(GstBuffer *buffer, const ReferenceTimes &times);

} /* namespace cmacam::gst */
