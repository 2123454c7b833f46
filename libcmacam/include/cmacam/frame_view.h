/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * A view of the pixels of a frame, or of a part of a frame.
 */

#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include <cmacam/frame_layout.h>
#include <cmacam/result.h>

namespace cmacam {

/** A plane of a mapped frame. */
struct MappedPlane
{
	std::span<const std::byte> data; /**< all lines, with the padding between the lines */
	unsigned int width;		 /**< samples per line */
	unsigned int height;		 /**< number of lines */
	unsigned int stride;		 /**< bytes from one line to the next */
	unsigned int sampleSize;	 /**< bytes per sample */

	/**
	 * Get a line without its padding.
	 *
	 * \param[in] y Number of the line, from 0 to height - 1
	 *
	 * \return The samples of the line
	 */
	std::span<const std::byte> line(unsigned int y) const
	{
		return data.subspan(static_cast<std::size_t>(y) * stride,
				    static_cast<std::size_t>(width) * sampleSize);
	}
};

/** The two planes of Nv12. */
struct Nv12Planes
{
	MappedPlane luma;   /**< one byte per pixel */
	MappedPlane chroma; /**< one pair of Cb and Cr for 2x2 pixels */
};

/** The three planes of Yuv420. */
struct Yuv420Planes
{
	MappedPlane luma; /**< one byte per pixel */
	MappedPlane cb;	  /**< one byte for 2x2 pixels */
	MappedPlane cr;	  /**< one byte for 2x2 pixels */
};

/**
 * Where the pixels of a frame are in memory.
 *
 * A view does not own the pixels. The view is valid until the CPU access of its
 * MappedFrame ends. The YUV formats have BT.709 colours in limited range.
 */
class FrameView
{
public:
	/** Make an empty view, which has no planes. */
	FrameView() = default;

	/** \return The pixel format. The format of an empty view has no meaning */
	PixelFormat format() const { return format_; }

	/** \return Pixels per line; 0 for an empty view */
	unsigned int width() const { return width_; }

	/** \return The number of lines; 0 for an empty view */
	unsigned int height() const { return height_; }

	/** \return The planes in the order of the format; no planes for an empty view */
	std::span<const MappedPlane> planes() const { return {planes_.data(), planeCount_}; }

	/** \return The 8-bit luma plane of Gray8, Nv12 and Yuv420; nothing for other formats */
	std::optional<MappedPlane> gray() const;

	/** \return Both planes of Nv12; nothing for other formats */
	std::optional<Nv12Planes> nv12() const;

	/** \return All planes of Yuv420; nothing for other formats */
	std::optional<Yuv420Planes> yuv420() const;

	/**
	 * Make a view of a part of this view. The function copies no pixels and begins no
	 * CPU access.
	 *
	 * If the samples of a plane describe several pixels, the plane of the new view is
	 * rounded out to whole samples. See samplesOf().
	 *
	 * \param[in] rect The part, in pixels of this view
	 *
	 * \return The view; EINVAL if \a rect is empty or not within this view
	 */
	Result<FrameView> roi(const Rect &rect) const;

	/**
	 * Convert the pixels to BGR, and write the result into memory of the caller. The
	 * result has three bytes per pixel (blue, green, red) in full range.
	 *
	 * Of all functions of FrameView, only bgr() copies pixels. The function does not
	 * interpolate chroma: all pixels of a chroma sample get the same chroma.
	 *
	 * \param[out] to Memory for height() lines
	 * \param[in] stride Bytes from one line of the result to the next, at least 3 *
	 * width()
	 *
	 * \return EINVAL if \a to or \a stride is too small; ENOTSUP for a Bayer mosaic,
	 * which the caller has to demosaic; ENODATA for an empty view
	 */
	Result<void> bgr(std::span<std::byte> to, std::size_t stride) const;

private:
	friend class MappedFrame;

	FrameView(PixelFormat format, unsigned int width, unsigned int height)
		: format_(format), width_(width), height_(height)
	{
	}

	/* The members have a fixed size, so that a view costs no allocation. */
	PixelFormat format_ = PixelFormat::Gray8;
	unsigned int width_ = 0;
	unsigned int height_ = 0;
	/*
	 * If a sample describes several pixels, the first pixel of the view can lie
	 * anywhere in its sample. columnPhase_ and linePhase_ are the column and the line
	 * of this pixel in the sample: 0 or 1.
	 */
	unsigned int columnPhase_ = 0;
	unsigned int linePhase_ = 0;
	std::array<MappedPlane, kMaxPlanes> planes_{};
	std::size_t planeCount_ = 0;
};

} /* namespace cmacam */
