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
	Yuv420,	 /**< luma, then Cb, then Cr; Cb and Cr at half resolution */
	Bgr24,	 /**< three bytes in memory: blue, green, red */
	Rgb24,	 /**< three bytes in memory: red, green, blue */
	Bgrx32,	 /**< four bytes in memory: blue, green, red, unused */
	Rgbx32,	 /**< four bytes in memory: red, green, blue, unused */
	Srggb8,	 /**< 8-bit Bayer */
	Srggb10, /**< 10-bit Bayer in 16-bit little-endian words */
};

/** The size of a sample, which is the smallest piece of a plane that describes whole pixels. */
struct PlaneFormat
{
	unsigned int sampleSize; /**< bytes per sample */
	unsigned int horizontal; /**< number of pixels per line that one sample describes */
	unsigned int vertical;	 /**< number of lines that one sample describes */
};

/** One row of the table of formats(), which describes one format. */
struct FormatInfo
{
	PixelFormat format;	/**< the format that this row describes */
	const char *name;	/**< libcamera's name */
	const char *gstreamer;	/**< value of the field "format" in GStreamer's caps */
	std::uint32_t drm;	/**< fourcc of DRM, which libcamera uses too */
	std::uint32_t v4l2;	/**< fourcc of V4L2 */
	bool bayer;		/**< whether the format is a Bayer mosaic (caps video/x-bayer) */
	std::size_t planeCount; /**< number of planes, 1 to 3 */
	PlaneFormat planes[3];	/**< size of a sample in each plane */

	/**
	 * Compute the stride of a plane from the stride of the first plane.
	 *
	 * The strides of all planes of a frame span the same number of pixels.
	 *
	 * \param[in] index Number of the plane, from 0
	 * \param[in] stride Bytes from one line of the first plane to the next
	 *
	 * \return The stride of plane \a index in bytes; 0 if the computed stride is not a
	 * whole number
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
 * \return The row of \a format in the table
 */
const FormatInfo &formatInfo(PixelFormat format);

/**
 * Look a format up by libcamera's name.
 *
 * \param[in] name The name: "NV12", "R8"
 *
 * \return The row of the format in the table; nullptr if there is no such row
 */
const FormatInfo *findFormat(std::string_view name);

/**
 * Look a format up by the fourcc of DRM.
 *
 * \param[in] drm The fourcc
 *
 * \return The row of the format in the table; nullptr if there is no such row
 */
const FormatInfo *findDrmFormat(std::uint32_t drm);

/**
 * Look a format up by the fourcc of V4L2.
 *
 * \param[in] v4l2 The fourcc
 *
 * \return The row of the format in the table; nullptr if there is no such row
 */
const FormatInfo *findV4l2Format(std::uint32_t v4l2);

} /* namespace cmacam */
