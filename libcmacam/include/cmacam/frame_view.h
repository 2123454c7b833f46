/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A view of the pixels of a frame, or of a part of one.
 */

#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include <cmacam/frame_layout.h>
#include <cmacam/result.h>

namespace cmacam {

/** One plane of a frame that is mapped. */
struct MappedPlane
{
	std::span<const std::byte> data; /**< all lines, and what lies between them */
	unsigned int width;		 /**< samples per line */
	unsigned int height;		 /**< lines */
	unsigned int stride;		 /**< bytes from one line to the next */
	unsigned int sampleSize;	 /**< bytes per sample */

	/** The samples of line \a y, and nothing else. */
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
	MappedPlane chroma; /**< a CbCr pair for 2x2 pixels */
};

/** The three planes of Yuv420. */
struct Yuv420Planes
{
	MappedPlane luma; /**< one byte per pixel */
	MappedPlane cb;	  /**< one byte for 2x2 pixels */
	MappedPlane cr;	  /**< likewise */
};

/**
 * Where the pixels of a frame are in memory.
 *
 * Owns nothing, as std::span: it is good for as long as the MappedFrame that
 * it was taken from has not ended. YUV is BT.709 in limited range.
 */
class FrameView
{
public:
	/** A view of nothing. */
	FrameView() = default;

	PixelFormat format() const { return format_; }

	/** Pixels per line; 0 if this is a view of nothing. */
	unsigned int width() const { return width_; }

	/** Lines of pixels; 0 if this is a view of nothing. */
	unsigned int height() const { return height_; }

	/** The planes of the format, in its order; none if this is a view of nothing. */
	std::span<const MappedPlane> planes() const { return {planes_.data(), planeCount_}; }

	/** \return The 8-bit luma plane of Gray8, Nv12 and Yuv420, else nothing */
	std::optional<MappedPlane> gray() const;

	/** \return Both planes of Nv12, else nothing */
	std::optional<Nv12Planes> nv12() const;

	/** \return All planes of Yuv420, else nothing */
	std::optional<Yuv420Planes> yuv420() const;

	/**
	 * A part of this view; nothing is synchronised and nothing copied.
	 *
	 * Planes that are sampled more coarsely are rounded out, see samplesOf().
	 *
	 * \param[in] rect In pixels of this view
	 *
	 * \return EINVAL if \a rect is empty or not within the view
	 */
	Result<FrameView> roi(const Rect &rect) const;

	/**
	 * Convert into memory of the caller: blue, green, red, full range.
	 *
	 * This is a copy, the only one in this class, and costs what a copy costs.
	 * Each chroma sample stands for all its pixels (no interpolation).
	 *
	 * \param[out] to height() lines
	 * \param[in] stride Bytes from one line of \a to to the next, 3 * width() at
	 * least
	 *
	 * \return EINVAL if \a to or \a stride is too small; ENOTSUP for a Bayer
	 * mosaic, which is not a picture yet; ENODATA for a view of nothing
	 */
	Result<void> bgr(std::span<std::byte> to, std::size_t stride) const;

private:
	friend class MappedFrame;

	FrameView(PixelFormat format, unsigned int width, unsigned int height)
		: format_(format), width_(width), height_(height)
	{
	}

	/* Room for all planes: a view costs no allocation. */
	PixelFormat format_ = PixelFormat::Gray8;
	unsigned int width_ = 0;
	unsigned int height_ = 0;
	/* Which pixel of the first coarse sample is the first of the view. */
	unsigned int columnPhase_ = 0;
	unsigned int linePhase_ = 0;
	std::array<MappedPlane, kMaxPlanes> planes_{};
	std::size_t planeCount_ = 0;
};

} /* namespace cmacam */
