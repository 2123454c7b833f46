/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FrameWriter: turns a camera frame's memory into the GstBuffer to push.
 */
#include "frame_buffer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace cmacam::gst {

FrameWriter::FrameWriter(const FrameLayout &layout)
	: format_(&formatInfo(layout.format)),
	  size_(layout.width, layout.height),
	  cameraRows_(cameraRows(layout)),
	  defaultRows_(defaultRows(*format_, size_)),
	  defaultSize_(defaultSize(*format_, size_))
{
	const std::vector<PlaneLayout> &planes = layout.planes;
	const size_t cameraSize = planes.back().offset + planes.back().length - planes[0].offset;

	shells_ = makeShellPool(describe(cameraRows_));

	/* The size counts too: a file sink writes all of the memory. */
	layoutIsDefault_ =
		cameraSize == defaultSize_ &&
		std::equal(cameraRows_.begin(), cameraRows_.end(), defaultRows_.begin(),
			   defaultRows_.end(), [](const PlaneRows &a, const PlaneRows &b) {
				   return a.offset == b.offset && a.stride == b.stride;
			   });
}

FrameWriter::~FrameWriter()
{
	/* Buffers still held bring themselves home, and the pool goes with the last. */
	if (shells_)
		gst_buffer_pool_set_active(shells_.get(), FALSE);
}

FrameWriter &FrameWriter::operator=(FrameWriter &&other) noexcept
{
	std::swap(format_, other.format_);
	std::swap(size_, other.size_);
	std::swap(shells_, other.shells_);
	std::swap(cameraRows_, other.cameraRows_);
	std::swap(defaultRows_, other.defaultRows_);
	std::swap(defaultSize_, other.defaultSize_);
	std::swap(layoutIsDefault_, other.layoutIsDefault_);
	return *this;
}

BufferLayout FrameWriter::describe(const std::vector<PlaneRows> &rows) const
{
	BufferLayout layout = {.format = videoFormat(*format_),
			       .width = size_.width,
			       .height = size_.height,
			       .offsets = {},
			       .strides = {}};

	for (const PlaneRows &plane : rows) {
		layout.offsets.push_back(plane.offset);
		layout.strides.push_back(plane.stride);
	}
	return layout;
}

BufferPtr FrameWriter::wrap(MemoryPtr memory) const
{
	BufferPtr buffer = takeShell(shells_.get());

	if (buffer)
		gst_buffer_append_memory(buffer.get(), memory.release());
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

	addVideoMeta(buffer.get(), describe(defaultRows_));
	return buffer;
}

} /* namespace cmacam::gst */
