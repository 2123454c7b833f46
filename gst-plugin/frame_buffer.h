/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FrameWriter: makes the GstBuffer to push from the memory of a camera frame.
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
	 * Whether the camera's layout is GStreamer's default layout. If so, a peer that
	 * ignores GstVideoMeta reads the right pixels too.
	 */
	bool layoutIsDefault() const { return layoutIsDefault_; }

	/**
	 * Puts @memory itself into a buffer. A GstVideoMeta in the buffer has the
	 * offsets and the strides of the planes. Returns nullptr if there is no buffer.
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
