/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FrameWriter makes a GstBuffer from the memory of a camera frame. The element pushes
 * this GstBuffer.
 */
#pragma once

#include <vector>

#include "formats.h"
#include "shell_pool.h"

namespace cmacam::gst {

class FrameWriter
{
public:
	FrameWriter() = default;
	FrameWriter(FrameWriter &&) = default;
	FrameWriter &operator=(FrameWriter &&other) noexcept;
	~FrameWriter();
	explicit FrameWriter(const FrameLayout &layout);

	/*
	 * Whether the camera's layout is GStreamer's default layout. In the default layout,
	 * a peer that ignores GstVideoMeta also reads the right pixels.
	 */
	bool layoutIsDefault() const { return layoutIsDefault_; }

	/**
	 * Puts @memory into a buffer without a copy. A GstVideoMeta in the buffer has the
	 * offsets and the strides of the planes. Returns nullptr if no buffer is available.
	 */
	BufferPtr wrap(MemoryPtr memory) const;
	/**
	 * Copies a frame into system memory, in GStreamer's default layout. Returns
	 * nullptr if the frame cannot be mapped or if no memory is left.
	 */
	BufferPtr copy(GstMemory *memory) const;

private:
	BufferLayout describe(const std::vector<PlaneRows> &rows) const;

	const FormatInfo *format_ = nullptr;
	libcamera::Size size_;
	BufferPoolPtr shells_;
	std::vector<PlaneRows> cameraRows_;
	std::vector<PlaneRows> defaultRows_;
	size_t defaultSize_ = 0;
	bool layoutIsDefault_ = false;
};

} /* namespace cmacam::gst */
