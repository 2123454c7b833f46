/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A GstBufferPool of empty GstBuffers that a frame's memory is put into.
 */
#include "shell_pool.h"

#include <algorithm>
#include <new>

#include "frame_meta.h"

using cmacam::gst::BufferLayout;

namespace {

struct ShellState
{
	BufferLayout layout;
};

} /* namespace */

#define GST_TYPE_CMACAM_SHELL_POOL (gst_cmacam_shell_pool_get_type())
G_DECLARE_FINAL_TYPE(GstCmacamShellPool, gst_cmacam_shell_pool, GST, CMACAM_SHELL_POOL,
		     GstBufferPool)

struct _GstCmacamShellPool
{
	GstBufferPool parent;
	ShellState state;
};

G_DEFINE_FINAL_TYPE(GstCmacamShellPool, gst_cmacam_shell_pool, GST_TYPE_BUFFER_POOL)

namespace cmacam::gst {

namespace {

/* Made once for all frames; metas hold references. */
GstCaps *monotonicCaps()
{
	static GstCaps *const caps = [] {
		GstCaps *c = gst_caps_new_empty_simple("timestamp/x-clock-monotonic");
		GST_MINI_OBJECT_FLAG_SET(c, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);
		return c;
	}();
	return caps;
}

GstCaps *unixCaps()
{
	static GstCaps *const caps = [] {
		GstCaps *c = gst_caps_new_empty_simple("timestamp/x-unix");
		GST_MINI_OBJECT_FLAG_SET(c, GST_MINI_OBJECT_FLAG_MAY_BE_LEAKED);
		return c;
	}();
	return caps;
}

GstReferenceTimestampMeta *findReference(GstBuffer *buffer, const GstCaps *caps)
{
	gpointer state = nullptr;

	while (GstMeta *meta = gst_buffer_iterate_meta_filtered(
		       buffer, &state, GST_REFERENCE_TIMESTAMP_META_API_TYPE)) {
		auto *reference = reinterpret_cast<GstReferenceTimestampMeta *>(meta);
		if (reference->reference == caps)
			return reference;
	}
	return nullptr;
}

void setReference(GstBuffer *buffer, GstCaps *caps, GstClockTime time)
{
	if (GstReferenceTimestampMeta *meta = findReference(buffer, caps))
		meta->timestamp = time;
	else
		gst_buffer_add_reference_timestamp_meta(buffer, caps, time, GST_CLOCK_TIME_NONE);
}

void setVideoMeta(GstVideoMeta *meta, const BufferLayout &layout)
{
	/* A consumer may have cropped the frame in place. */
	meta->width = layout.width;
	meta->height = layout.height;
	std::copy(layout.offsets.begin(), layout.offsets.end(), meta->offset);
	std::copy(layout.strides.begin(), layout.strides.end(), meta->stride);
}

GstFlowReturn allocBuffer(GstBufferPool *pool, GstBuffer **out, GstBufferPoolAcquireParams *)
{
	GstBuffer *buffer = gst_buffer_new();

	addVideoMeta(buffer, GST_CMACAM_SHELL_POOL(pool)->state.layout);
	setReferenceTimes(buffer, {.monotonic = 0, .unixTime = 0});
	setFrameMeta(buffer, {});

	gst_buffer_foreach_meta(
		buffer,
		[](GstBuffer *, GstMeta **meta, gpointer) -> gboolean {
			(*meta)->flags = GstMetaFlags((*meta)->flags | GST_META_FLAG_POOLED);
			return TRUE;
		},
		nullptr);

	*out = buffer;
	return GST_FLOW_OK;
}

void resetBuffer(GstBufferPool *pool, GstBuffer *buffer)
{
	gst_buffer_remove_all_memory(buffer);
	GST_BUFFER_POOL_CLASS(gst_cmacam_shell_pool_parent_class)->reset_buffer(pool, buffer);
	/* That there is other memory than at first is what a shell is for. */
	GST_BUFFER_FLAG_UNSET(buffer, GST_BUFFER_FLAG_TAG_MEMORY);
	setVideoMeta(gst_buffer_get_video_meta(buffer), GST_CMACAM_SHELL_POOL(pool)->state.layout);
}

} /* namespace */

BufferPoolPtr makeShellPool(const BufferLayout &layout)
{
	BufferPoolPtr pool(GST_BUFFER_POOL(
		gst_object_ref_sink(g_object_new(GST_TYPE_CMACAM_SHELL_POOL, nullptr))));
	GstStructure *config = gst_buffer_pool_get_config(pool.get());

	GST_CMACAM_SHELL_POOL(pool.get())->state.layout = layout;
	gst_buffer_pool_config_set_params(config, nullptr, 0, 0, 0);
	if (!gst_buffer_pool_set_config(pool.get(), config) ||
	    !gst_buffer_pool_set_active(pool.get(), TRUE))
		return nullptr;

	return pool;
}

BufferPtr takeShell(GstBufferPool *pool)
{
	GstBuffer *buffer = nullptr;
	gst_buffer_pool_acquire_buffer(pool, &buffer, nullptr);
	return BufferPtr(buffer);
}

void addVideoMeta(GstBuffer *buffer, const BufferLayout &layout)
{
	gsize offsets[GST_VIDEO_MAX_PLANES] = {};
	gint strides[GST_VIDEO_MAX_PLANES] = {};

	std::copy(layout.offsets.begin(), layout.offsets.end(), offsets);
	std::copy(layout.strides.begin(), layout.strides.end(), strides);
	gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, layout.format,
				       layout.width, layout.height, layout.offsets.size(), offsets,
				       strides);
}

void setReferenceTimes(GstBuffer *buffer, const ReferenceTimes &times)
{
	setReference(buffer, monotonicCaps(), times.monotonic);
	setReference(buffer, unixCaps(), times.unixTime);
}

} /* namespace cmacam::gst */

static void gst_cmacam_shell_pool_init(GstCmacamShellPool *self)
{
	new (&self->state) ShellState();
}

static void finalizePool(GObject *object)
{
	GST_CMACAM_SHELL_POOL(object)->state.~ShellState();
	G_OBJECT_CLASS(gst_cmacam_shell_pool_parent_class)->finalize(object);
}

static void gst_cmacam_shell_pool_class_init(GstCmacamShellPoolClass *klass)
{
	GstBufferPoolClass *pool = GST_BUFFER_POOL_CLASS(klass);

	G_OBJECT_CLASS(klass)->finalize = finalizePool;
	pool->alloc_buffer = cmacam::gst::allocBuffer;
	pool->reset_buffer = cmacam::gst::resetBuffer;
}
