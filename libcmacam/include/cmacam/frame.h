/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the pixels of a frame lie in dma-bufs.
 */

#pragma once

#include <cstddef>
#include <vector>

#include <cmacam/result.h>

namespace cmacam {

/** The pixel formats of a cmacam board. */
enum class PixelFormat {
	Gray8,	 /**< 8-bit luma (V4L2 GREY, libcamera R8) */
	Nv12,	 /**< luma, then CbCr pairs at half resolution */
	Srggb10, /**< 10-bit Bayer in 16-bit little-endian words */
};

/** How many planes a frame can have. */
inline constexpr std::size_t kMaxPlanes = 4;

/** A rectangle of a frame, in pixels. */
struct Rect
{
	unsigned int x;	     /**< of the left column */
	unsigned int y;	     /**< of the top line */
	unsigned int width;  /**< columns, not 0 */
	unsigned int height; /**< lines, not 0 */
};

/** Where one plane lies. */
struct PlaneLayout
{
	int fd;			 /**< of the dma-buf; borrowed */
	std::size_t offset;	 /**< bytes from the start of the dma-buf */
	std::size_t length;	 /**< bytes */
	unsigned int width;	 /**< samples per line */
	unsigned int height;	 /**< lines */
	unsigned int stride;	 /**< bytes from one line to the next */
	unsigned int sampleSize; /**< bytes per sample: 1, or 2 for CbCr and Bayer */
};

/** Where a frame lies. */
struct FrameLayout
{
	PixelFormat format;
	std::vector<PlaneLayout> planes; /**< kMaxPlanes at most */
};

/**
 * The samples of plane \a index that belong to the pixels of \a rect.
 *
 * Where a sample stands for several pixels, as CbCr of Nv12 does for 2x2, it
 * belongs if any of them does: the part is rounded out to whole samples.
 *
 * \return Column, line, width and height in samples of the plane; an error with
 * EINVAL if \a rect is empty or not within the frame, or if there is no such plane
 */
Result<Rect> samplesOf(const FrameLayout &layout, std::size_t index, const Rect &rect);

/**
 * The layout of a frame of which all planes follow each other in one dma-buf.
 *
 * \param[in] fd The dma-buf; borrowed
 * \param[in] format Pixel format
 * \param[in] width Pixels per line
 * \param[in] height Lines
 * \param[in] stride Bytes from one line of the first plane to the next
 *
 * \return EINVAL if \a stride is shorter than a line, or if NV12 is asked for
 * with an odd width or height
 */
Result<FrameLayout> contiguousLayout(int fd, PixelFormat format, unsigned int width,
				     unsigned int height, unsigned int stride);

} /* namespace cmacam */
