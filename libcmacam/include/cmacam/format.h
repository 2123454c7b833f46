/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pixel formats of a cmacam board: what each is called elsewhere and how
 * its samples lie.
 */

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cmacam {

/** The pixel formats of a cmacam board. */
enum class PixelFormat {
	Gray8,	 /**< 8-bit luma */
	Gray10,	 /**< 10-bit luma in 16-bit little-endian words */
	Nv12,	 /**< luma, then CbCr pairs at half resolution */
	Yuyv,	 /**< two pixels in four bytes: Y Cb Y Cr */
	Yuv420,	 /**< luma, then Cb, then Cr, both at half resolution */
	Bgr24,	 /**< three bytes in memory: blue, green, red */
	Rgb24,	 /**< three bytes in memory: red, green, blue */
	Bgrx32,	 /**< four bytes in memory: blue, green, red, one without a meaning */
	Rgbx32,	 /**< four bytes in memory: red, green, blue, one without a meaning */
	Srggb8,	 /**< 8-bit Bayer */
	Srggb10, /**< 10-bit Bayer in 16-bit little-endian words */
};

/** What one sample of a plane is: the smallest piece that stands for whole pixels. */
struct PlaneFormat
{
	unsigned int sampleSize; /**< bytes */
	unsigned int horizontal; /**< pixels that it stands for, in a line */
	unsigned int vertical;	 /**< lines that it stands for */
};

/** One row of the table of formats. */
struct FormatInfo
{
	PixelFormat format;
	const char *name;	/**< libcamera's */
	const char *gstreamer;	/**< the format field of its caps */
	std::uint32_t drm;	/**< fourcc of DRM, which libcamera shares */
	std::uint32_t v4l2;	/**< fourcc of V4L2 */
	bool bayer;		/**< a mosaic, whose caps are video/x-bayer */
	std::size_t planeCount; /**< 1 to 3 */
	PlaneFormat planes[3];

	/**
	 * Bytes from one line of plane \a index to the next, if those of the first
	 * plane have \a stride: all planes of a frame span the same width.
	 *
	 * \return 0 if that is no whole number
	 */
	unsigned int planeStride(std::size_t index, unsigned int stride) const;
};

/** The table of all formats. */
std::span<const FormatInfo> formats();

/** The row of \a format. */
const FormatInfo &formatInfo(PixelFormat format);

/** \return The row with libcamera's \a name ("NV12", "R8"), or nullptr */
const FormatInfo *findFormat(std::string_view name);

/** \return The row with the DRM fourcc \a drm, or nullptr */
const FormatInfo *findDrmFormat(std::uint32_t drm);

/** \return The row with the V4L2 fourcc \a v4l2, or nullptr */
const FormatInfo *findV4l2Format(std::uint32_t v4l2);

} /* namespace cmacam */
