/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenCV views of a mapped frame. Header only; nothing but bgr() copies.
 *
 * A view points into the frame: it must not be used after the MappedFrame has
 * ended. cv::Mat knows no read-only data; writing to a view of a frame that was
 * mapped for reading faults. clone() makes a copy that may be kept and changed.
 */

#pragma once

#include <span>

#include <opencv2/core/mat.hpp>

#include <cmacam/mapped_frame.h>

namespace cmacam {

/** Plane \a index as a cv::Mat of \a type, whose element is one sample. */
inline cv::Mat planeView(const FrameView &frame, std::size_t index, int type)
{
	const MappedPlane &plane = frame.planes()[index];

	return cv::Mat(static_cast<int>(plane.height), static_cast<int>(plane.width), type,
		       const_cast<std::byte *>(plane.data.data()), plane.stride);
}

/** Luma as CV_8UC1, of Gray8, Nv12 and Yuv420; empty for other formats and after end(). */
inline cv::Mat gray(const FrameView &frame)
{
	return frame.gray() ? planeView(frame, 0, CV_8UC1) : cv::Mat();
}

/** Luma of Gray10 as CV_16UC1, codes 0 to 1023; else empty. */
inline cv::Mat gray10(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Gray10)
		return {};

	return planeView(frame, 0, CV_16UC1);
}

/** CbCr of Nv12 as CV_8UC2 at half resolution; else empty. */
inline cv::Mat uv(const FrameView &frame)
{
	return frame.nv12() ? planeView(frame, 1, CV_8UC2) : cv::Mat();
}

/** The two planes of Nv12 as OpenCV wants them, for cv::cvtColorTwoPlane() and its like. */
struct Nv12Mats
{
	cv::Mat luma;	/**< CV_8UC1 */
	cv::Mat chroma; /**< CV_8UC2 at half resolution */
};

/** Both planes of Nv12; both empty for other formats. */
inline Nv12Mats nv12(const FrameView &frame)
{
	return {frame.nv12() ? gray(frame) : cv::Mat(), uv(frame)};
}

/** The three planes of Yuv420, each CV_8UC1. */
struct Yuv420Mats
{
	cv::Mat luma;
	cv::Mat cb; /**< at half resolution */
	cv::Mat cr; /**< at half resolution */
};

/** All planes of Yuv420; all empty for other formats. */
inline Yuv420Mats yuv420(const FrameView &frame)
{
	if (!frame.yuv420())
		return {};

	return {planeView(frame, 0, CV_8UC1), planeView(frame, 1, CV_8UC1),
		planeView(frame, 2, CV_8UC1)};
}

/**
 * All planes of Yuv420 as one CV_8UC1 of height * 3 / 2 lines, for
 * cv::COLOR_YUV2BGR_I420 and its like; empty for other formats, for parts of a
 * frame, and where lines are padded: OpenCV knows planes without gaps only.
 */
inline cv::Mat i420(const FrameView &frame)
{
	const auto planes = frame.yuv420();
	if (!planes || planes->luma.stride != planes->luma.width ||
	    planes->cb.stride != planes->cb.width || planes->cr.stride != planes->cr.width ||
	    planes->luma.data.data() + planes->luma.data.size() != planes->cb.data.data() ||
	    planes->cb.data.data() + planes->cb.data.size() != planes->cr.data.data())
		return {};

	return cv::Mat(static_cast<int>(frame.height() + frame.height() / 2),
		       static_cast<int>(frame.width()), CV_8UC1,
		       const_cast<std::byte *>(planes->luma.data.data()));
}

/** Yuyv as CV_8UC2, luma first, for cv::COLOR_YUV2GRAY_YUYV and its like; else empty. */
inline cv::Mat yuyv(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Yuyv)
		return {};

	return planeView(frame, 0, CV_8UC4).reshape(2);
}

/**
 * The mosaic of a Bayer format: CV_8UC1 of Srggb8, CV_16UC1 of Srggb10 (values 0
 * to 1023); else empty. OpenCV calls its order BayerRGGB.
 */
inline cv::Mat raw(const FrameView &frame)
{
	if (frame.planes().empty() || !formatInfo(frame.format()).bayer)
		return {};

	return planeView(frame, 0, frame.format() == PixelFormat::Srggb8 ? CV_8UC1 : CV_16UC1);
}

/** Bgr24 as CV_8UC3, without a copy; else empty. See bgr() for other formats. */
inline cv::Mat bgrView(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Bgr24)
		return {};

	return planeView(frame, 0, CV_8UC3);
}

/** Rgb24 as CV_8UC3, red first, as networks are often trained; else empty. */
inline cv::Mat rgbView(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Rgb24)
		return {};

	return planeView(frame, 0, CV_8UC3);
}

/** Bgrx32 as CV_8UC4, which OpenCV takes for BGRA; else empty. The fourth channel has no meaning.
 */
inline cv::Mat bgrxView(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Bgrx32)
		return {};

	return planeView(frame, 0, CV_8UC4);
}

/** Rgbx32 as CV_8UC4, red first; else empty. The fourth channel has no meaning. */
inline cv::Mat rgbxView(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Rgbx32)
		return {};

	return planeView(frame, 0, CV_8UC4);
}

/**
 * A copy of the frame in BGR, CV_8UC3, that may be kept and changed.
 *
 * OpenCV's own conversions take YUV for BT.601; this one knows that it is
 * BT.709, see FrameView::bgr().
 *
 * \return Empty for a Bayer mosaic and after end()
 */
inline cv::Mat bgr(const FrameView &frame)
{
	cv::Mat copy(static_cast<int>(frame.height()), static_cast<int>(frame.width()), CV_8UC3);
	const std::span bytes(copy.data, copy.total() * copy.elemSize());

	return frame.bgr(std::as_writable_bytes(bytes), copy.step[0]) ? copy : cv::Mat();
}

} /* namespace cmacam */
