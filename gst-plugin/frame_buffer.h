/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FrameWriter: turns a camera frame's memory into the GstBuffer to push.
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

	/* Whether a peer that ignores GstVideoMeta sees the right pixels. */
	bool layoutIsDefault() const { return layoutIsDefault_; }

	/** The very memory, with a GstVideoMeta that says where the planes are. */
	BufferPtr wrap(MemoryPtr memory) const;
	/**
	 * A copy in GStreamer's default layout, in memory of the system.
	 * Returns nullptr if the frame cannot be mapped.
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
