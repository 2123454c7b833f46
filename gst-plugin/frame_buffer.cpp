/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FrameWriter: turns a camera frame's memory into the GstBuffer to push.
 */
#include "frame_buffer.h"

#include <algorithm>
#include <cstring>

namespace cmacam {

FrameWriter::FrameWriter(const Format &format, const libcamera::Size &size,
			 std::span<const PlaneLayout> planes)
	: format_(&format),
	  size_(size),
	  cameraRows_(cameraRows(format, size, planes)),
	  defaultRows_(defaultRows(format, size)),
	  defaultSize_(defaultSize(format, size))
{
	const size_t cameraSize = planes.back().offset + planes.back().length - planes[0].offset;

	/* The size counts too: a file sink writes all of the memory. */
	layoutIsDefault_ =
		cameraSize == defaultSize_ &&
		std::equal(cameraRows_.begin(), cameraRows_.end(), defaultRows_.begin(),
			   defaultRows_.end(), [](const PlaneRows &a, const PlaneRows &b) {
				   return a.offset == b.offset && a.stride == b.stride;
			   });
}

void FrameWriter::addMeta(GstBuffer *buffer, const std::vector<PlaneRows> &rows) const
{
	gsize offset[GST_VIDEO_MAX_PLANES] = {};
	gint stride[GST_VIDEO_MAX_PLANES] = {};

	for (size_t i = 0; i < rows.size(); i++) {
		offset[i] = rows[i].offset;
		stride[i] = rows[i].stride;
	}

	gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, format_->videoFormat,
				       size_.width, size_.height, rows.size(), offset, stride);
}

BufferPtr FrameWriter::wrap(MemoryPtr memory) const
{
	BufferPtr buffer(gst_buffer_new());

	gst_buffer_append_memory(buffer.get(), memory.release());
	addMeta(buffer.get(), cameraRows_);

	return buffer;
}

BufferPtr FrameWriter::copy(GstMemory *memory) const
{
	GstMapInfo from, to;

	BufferPtr buffer(gst_buffer_new_allocate(nullptr, defaultSize_, nullptr));
	if (!buffer || !gst_memory_map(memory, &from, GST_MAP_READ))
		return nullptr;

	gst_buffer_map(buffer.get(), &to, GST_MAP_WRITE);
	for (size_t i = 0; i < cameraRows_.size(); i++) {
		const guint8 *source = from.data + cameraRows_[i].offset;
		guint8 *target = to.data + defaultRows_[i].offset;

		for (unsigned int row = 0; row < cameraRows_[i].rows; row++) {
			memcpy(target, source, cameraRows_[i].bytes);
			source += cameraRows_[i].stride;
			target += defaultRows_[i].stride;
		}
	}
	gst_buffer_unmap(buffer.get(), &to);
	gst_memory_unmap(memory, &from);

	addMeta(buffer.get(), defaultRows_);
	return buffer;
}

} /* namespace cmacam */
