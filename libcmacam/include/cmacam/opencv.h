/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * OpenCV views of a mapped frame.
 *
 * All code is in this header. Of all functions in this header, only bgr() copies
 * pixels. A view points to the pixels of the frame. So a program must not use a
 * view after the access of the MappedFrame has ended. A cv::Mat cannot mark its
 * data as read-only. If a frame was mapped for reading, a write to a view of the
 * frame ends the process with SIGSEGV. cv::Mat::clone() makes a copy that the
 * program may keep and change.
 */

#pragma once

#include <span>

#include <opencv2/core/mat.hpp>

#include <cmacam/mapped_frame.h>

namespace cmacam {

/**
 * Get a view of a plane.
 *
 * \param[in] frame The mapped frame
 * \param[in] index Number of the plane, which must exist
 * \param[in] type OpenCV's type of a matrix element. One element is one sample
 *
 * \return The view of the plane
 */
inline cv::Mat planeView(const FrameView &frame, std::size_t index, int type)
{
	const MappedPlane &plane = frame.planes()[index];

	return cv::Mat(static_cast<int>(plane.height), static_cast<int>(plane.width), type,
		       const_cast<std::byte *>(plane.data.data()), plane.stride);
}

/**
 * Get a view of the luma of Gray8, Nv12 and Yuv420.
 *
 * \param[in] frame The mapped frame
 *
 * \return A matrix of CV_8UC1; empty for other formats and after MappedFrame::end()
 */
inline cv::Mat gray(const FrameView &frame)
{
	return frame.gray() ? planeView(frame, 0, CV_8UC1) : cv::Mat();
}

/**
 * Get a view of the luma of Gray10.
 *
 * \param[in] frame The mapped frame
 *
 * \return A matrix of CV_16UC1 with values from 0 to 1023; empty for other formats
 */
inline cv::Mat gray10(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Gray10)
		return {};

	return planeView(frame, 0, CV_16UC1);
}

/**
 * Get a view of the chroma of Nv12.
 *
 * \param[in] frame The mapped frame
 *
 * \return A matrix of CV_8UC2 with Cb and Cr at half resolution; empty for other
 * formats
 */
inline cv::Mat uv(const FrameView &frame)
{
	return frame.nv12() ? planeView(frame, 1, CV_8UC2) : cv::Mat();
}

/** The two planes of Nv12, in the form that cv::cvtColorTwoPlane() expects. */
struct Nv12Mats
{
	cv::Mat luma;	/**< CV_8UC1 */
	cv::Mat chroma; /**< CV_8UC2 at half resolution */
};

/**
 * Get views of both planes of Nv12.
 *
 * \param[in] frame The mapped frame
 *
 * \return The planes; two empty matrices for other formats
 */
inline Nv12Mats nv12(const FrameView &frame)
{
	return {frame.nv12() ? gray(frame) : cv::Mat(), uv(frame)};
}

/** The three planes of Yuv420, each CV_8UC1. */
struct Yuv420Mats
{
	cv::Mat luma; /**< at full resolution */
	cv::Mat cb;   /**< at half resolution */
	cv::Mat cr;   /**< at half resolution */
};

/**
 * Get views of all planes of Yuv420.
 *
 * \param[in] frame The mapped frame
 *
 * \return The planes; three empty matrices for other formats
 */
inline Yuv420Mats yuv420(const FrameView &frame)
{
	if (!frame.yuv420())
		return {};

	return {planeView(frame, 0, CV_8UC1), planeView(frame, 1, CV_8UC1),
		planeView(frame, 2, CV_8UC1)};
}

/**
 * Get a view of all planes of Yuv420 as one matrix, for conversion codes such as
 * cv::COLOR_YUV2BGR_I420.
 *
 * \param[in] frame The mapped frame
 *
 * \return A matrix of CV_8UC1 with height * 3 / 2 lines. The matrix is empty for
 * other formats, for parts of a frame, and for padded lines, because OpenCV's
 * conversion supports only planes without gaps
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

/**
 * Get a view of the pixels of Yuyv, for conversion codes such as
 * cv::COLOR_YUV2GRAY_YUYV.
 *
 * \param[in] frame The mapped frame
 *
 * \return A matrix of CV_8UC2 with luma in the first channel; empty for other
 * formats
 */
inline cv::Mat yuyv(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Yuyv)
		return {};

	return planeView(frame, 0, CV_8UC4).reshape(2);
}

/**
 * Get a view of the mosaic of a Bayer format. OpenCV's name for this mosaic is
 * BayerRGGB.
 *
 * \param[in] frame The mapped frame
 *
 * \return A matrix of CV_8UC1 for Srggb8; a matrix of CV_16UC1 with values from 0
 * to 1023 for Srggb10; empty for other formats
 */
inline cv::Mat raw(const FrameView &frame)
{
	if (frame.planes().empty() || !formatInfo(frame.format()).bayer)
		return {};

	return planeView(frame, 0, frame.format() == PixelFormat::Srggb8 ? CV_8UC1 : CV_16UC1);
}

/**
 * Get a view of the pixels of Bgr24. For other formats, bgr() makes a copy in BGR.
 *
 * \param[in] frame The mapped frame
 *
 * \return A matrix of CV_8UC3; empty for other formats
 */
inline cv::Mat bgrView(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Bgr24)
		return {};

	return planeView(frame, 0, CV_8UC3);
}

/**
 * Get a view of the pixels of Rgb24. Many neural networks expect this order of the
 * colours.
 *
 * \param[in] frame The mapped frame
 *
 * \return A matrix of CV_8UC3 with red in the first channel; empty for other
 * formats
 */
inline cv::Mat rgbView(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Rgb24)
		return {};

	return planeView(frame, 0, CV_8UC3);
}

/**
 * Get a view of the pixels of Bgrx32. OpenCV treats the matrix as BGRA, but the
 * fourth channel has no meaning.
 *
 * \param[in] frame The mapped frame
 *
 * \return A matrix of CV_8UC4; empty for other formats
 */
inline cv::Mat bgrxView(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Bgrx32)
		return {};

	return planeView(frame, 0, CV_8UC4);
}

/**
 * Get a view of the pixels of Rgbx32. The fourth channel has no meaning.
 *
 * \param[in] frame The mapped frame
 *
 * \return A matrix of CV_8UC4 with red in the first channel; empty for other
 * formats
 */
inline cv::Mat rgbxView(const FrameView &frame)
{
	if (frame.planes().empty() || frame.format() != PixelFormat::Rgbx32)
		return {};

	return planeView(frame, 0, CV_8UC4);
}

/**
 * Convert a frame into a BGR matrix, which the program may keep and change. The
 * function supports all formats except the Bayer formats.
 *
 * OpenCV's own conversions assume BT.601. This function converts with
 * FrameView::bgr(), which uses BT.709.
 *
 * \param[in] frame The mapped frame
 *
 * \return A matrix of CV_8UC3; empty for a Bayer mosaic and after
 * MappedFrame::end()
 */
inline cv::Mat bgr(const FrameView &frame)
{
	cv::Mat copy(static_cast<int>(frame.height()), static_cast<int>(frame.width()), CV_8UC3);
	const std::span bytes(copy.data, copy.total() * copy.elemSize());

	return frame.bgr(std::as_writable_bytes(bytes), copy.step[0]) ? copy : cv::Mat();
}

} /* namespace cmacam */
