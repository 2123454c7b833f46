/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the pixels of a frame lie in dma-bufs.
 */

#pragma once

#include <cstddef>
#include <vector>

#include <cmacam/format.h>
#include <cmacam/result.h>

namespace cmacam {

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
	unsigned int sampleSize; /**< bytes per sample */
};

/** Where a frame lies. */
struct FrameLayout
{
	PixelFormat format;
	unsigned int width;		 /**< pixels per line */
	unsigned int height;		 /**< lines */
	std::vector<PlaneLayout> planes; /**< as many as the format has */
};

/**
 * The samples of plane \a index that belong to the pixels of \a rect.
 *
 * Where a sample stands for several pixels, as chroma of Nv12 does for 2x2 and a
 * sample of Yuyv for two, it belongs if any of them does: the part is rounded
 * out to whole samples.
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
 * \return EINVAL if \a stride is shorter than a line, or if it or the size does
 * not divide into whole samples (odd width of Nv12, Yuv420 and Yuyv, odd height
 * of Nv12 and Yuv420, odd stride of Yuv420)
 */
Result<FrameLayout> contiguousLayout(int fd, PixelFormat format, unsigned int width,
				     unsigned int height, unsigned int stride);

} /* namespace cmacam */
