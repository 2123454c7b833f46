/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * The pixel formats of a cmacam board: their names in other interfaces, and how
 * their samples lie in memory.
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

/** A sample of a plane: the smallest piece of the plane that describes whole pixels. */
struct PlaneFormat
{
	unsigned int sampleSize; /**< bytes of a sample */
	unsigned int horizontal; /**< pixels of a line that a sample describes */
	unsigned int vertical;	 /**< lines that a sample describes */
};

/** One row of the table of formats. */
struct FormatInfo
{
	PixelFormat format;	/**< the format that this row describes */
	const char *name;	/**< libcamera's name */
	const char *gstreamer;	/**< the field "format" of GStreamer's caps */
	std::uint32_t drm;	/**< fourcc of DRM, which libcamera uses too */
	std::uint32_t v4l2;	/**< fourcc of V4L2 */
	bool bayer;		/**< whether the format is a Bayer mosaic (caps video/x-bayer) */
	std::size_t planeCount; /**< number of planes, 1 to 3 */
	PlaneFormat planes[3];	/**< samples of each plane */

	/**
	 * Compute the stride of a plane from that of the first plane.
	 *
	 * All planes of a frame span the same width.
	 *
	 * \param[in] index Number of the plane, from 0
	 * \param[in] stride Bytes from one line of the first plane to the next
	 *
	 * \return Bytes from one line of plane \a index to the next; 0 if that is not
	 * a whole number
	 */
	unsigned int planeStride(std::size_t index, unsigned int stride) const;
};

/** \return The table of all formats, which is constant */
std::span<const FormatInfo> formats();

/**
 * Look a format up.
 *
 * \param[in] format The format
 *
 * \return Its row in the table
 */
const FormatInfo &formatInfo(PixelFormat format);

/**
 * Look a format up by libcamera's name.
 *
 * \param[in] name The name: "NV12", "R8"
 *
 * \return Its row in the table, or nullptr
 */
const FormatInfo *findFormat(std::string_view name);

/**
 * Look a format up by the fourcc of DRM.
 *
 * \param[in] drm The fourcc
 *
 * \return Its row in the table, or nullptr
 */
const FormatInfo *findDrmFormat(std::uint32_t drm);

/**
 * Look a format up by the fourcc of V4L2.
 *
 * \param[in] v4l2 The fourcc
 *
 * \return Its row in the table, or nullptr
 */
const FormatInfo *findV4l2Format(std::uint32_t v4l2);

} /* namespace cmacam */
