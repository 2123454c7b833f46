/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * How the pixels of a frame lie in dma-bufs.
 */

#pragma once

#include <cstddef>
#include <vector>

#include <cmacam/format.h>
#include <cmacam/result.h>

namespace cmacam {

/** The largest number of planes of a frame. */
inline constexpr std::size_t kMaxPlanes = 4;

/** A rectangle of a frame, in pixels. */
struct Rect
{
	unsigned int x;	     /**< the left column */
	unsigned int y;	     /**< the top line */
	unsigned int width;  /**< number of columns, at least 1 */
	unsigned int height; /**< number of lines, at least 1 */
};

/** Where a plane of a frame lies in a dma-buf. */
struct PlaneLayout
{
	int fd;			 /**< the dma-buf, which another object owns; -1: no dma-buf */
	std::size_t offset;	 /**< bytes from the start of the dma-buf to the plane */
	std::size_t length;	 /**< size of the plane in bytes */
	unsigned int width;	 /**< samples per line */
	unsigned int height;	 /**< number of lines */
	unsigned int stride;	 /**< bytes from one line to the next */
	unsigned int sampleSize; /**< bytes per sample */
};

/** The format and the size of a frame, and where its planes lie. */
struct FrameLayout
{
	PixelFormat format;		 /**< pixel format */
	unsigned int width;		 /**< pixels per line */
	unsigned int height;		 /**< number of lines */
	std::vector<PlaneLayout> planes; /**< all planes of the format */
};

/**
 * Find the samples of a plane that belong to a rectangle of pixels.
 *
 * A sample can describe several pixels: a chroma sample of PixelFormat::Nv12
 * describes 2x2 pixels, a sample of PixelFormat::Yuyv describes two pixels of a
 * line. A sample belongs to the rectangle if at least one of its pixels lies in the
 * rectangle. So the rectangle is rounded out to whole samples.
 *
 * \param[in] layout The layout of the frame
 * \param[in] index Number of the plane, from 0
 * \param[in] rect The rectangle, in pixels of the frame
 *
 * \return The rectangle in samples of the plane: column, line, width and height;
 * EINVAL if \a rect is empty or not within the frame, or if the frame has no such
 * plane
 */
Result<Rect> samplesOf(const FrameLayout &layout, std::size_t index, const Rect &rect);

/**
 * Compute the layout of a frame whose planes follow each other in one dma-buf.
 *
 * \param[in] fd The dma-buf, which the caller still owns
 * \param[in] format Pixel format
 * \param[in] width Pixels per line
 * \param[in] height Number of lines
 * \param[in] stride Bytes from one line of the first plane to the next
 *
 * \return The layout; EINVAL if \a stride is shorter than a line, or if the size or
 * \a stride does not divide into whole samples. The width of Nv12, Yuv420 and Yuyv,
 * the height of Nv12 and Yuv420, and the stride of Yuv420 must be even
 */
Result<FrameLayout> contiguousLayout(int fd, PixelFormat format, unsigned int width,
				     unsigned int height, unsigned int stride);

} /* namespace cmacam */
