/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenCV views of a mapped frame. Header only, no copy.
 *
 * A view points into the frame: it must not be used after the MappedFrame has
 * ended. cv::Mat knows no read-only data; writing to a view of a frame that was
 * mapped for reading faults. clone() makes a copy that may be kept and changed.
 */

#pragma once

#include <opencv2/core/mat.hpp>

#include <cmacam/mapped_frame.h>

namespace cmacam {

/** Plane \a index as a cv::Mat of \a type, whose element is one sample. */
inline cv::Mat planeView(const MappedFrame &frame, std::size_t index, int type)
{
	const MappedPlane &plane = frame.planes()[index];

	return cv::Mat(static_cast<int>(plane.height), static_cast<int>(plane.width), type,
		       const_cast<std::byte *>(plane.data.data()), plane.stride);
}

/** Luma as CV_8UC1, of Gray8 and Nv12; empty for other formats and after end(). */
inline cv::Mat gray(const MappedFrame &frame)
{
	if (frame.planes().empty() || frame.format() == PixelFormat::Srggb10)
		return {};

	return planeView(frame, 0, CV_8UC1);
}

/** CbCr of Nv12 as CV_8UC2 at half resolution; else empty. */
inline cv::Mat uv(const MappedFrame &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Nv12)
		return {};

	return planeView(frame, 1, CV_8UC2);
}

/** The mosaic of Srggb10 as CV_16UC1, values 0 to 1023; else empty. */
inline cv::Mat raw(const MappedFrame &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Srggb10)
		return {};

	return planeView(frame, 0, CV_16UC1);
}

} /* namespace cmacam */
