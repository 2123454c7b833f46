/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * Functions that find formats and layouts for libcamera's buffers.
 *
 * libcmacam does not link to libcamera, because all code that uses libcamera is in
 * this header. A program that includes this header must link libcamera.
 */

#pragma once

#include <cerrno>
#include <optional>
#include <string>

#include <libcamera/framebuffer.h>
#include <libcamera/pixel_format.h>
#include <libcamera/stream.h>

#include <cmacam/frame_layout.h>
#include <cmacam/mapped_frame.h>
#include <cmacam/result.h>

namespace cmacam {

/**
 * Look a format of libcamera up.
 *
 * \param[in] format The format
 *
 * \return The row of \a format in the table of formats; nullptr if there is no such
 * row
 */
inline const FormatInfo *findFormat(const libcamera::PixelFormat &format)
{
	return format.modifier() ? nullptr : findDrmFormat(format.fourcc());
}

/**
 * Convert a format of libcamera into a format of libcmacam.
 *
 * \param[in] format The format
 *
 * \return The pixel format; nothing if libcmacam does not support the format
 */
inline std::optional<PixelFormat> pixelFormat(const libcamera::PixelFormat &format)
{
	if (const FormatInfo *info = findFormat(format))
		return info->format;

	return std::nullopt;
}

/**
 * Find out where the pixels of a libcamera buffer lie.
 *
 * \param[in] config Configuration of the stream, after libcamera's
 * Camera::configure()
 * \param[in] buffer A buffer of the stream. The file descriptors in the layout
 * still belong to the buffer
 *
 * \return The layout; EINVAL if libcmacam does not support the pixel format, or if
 * the buffer has too few planes for the format
 */
inline Result<FrameLayout> layoutOf(const libcamera::StreamConfiguration &config,
				    const libcamera::FrameBuffer &buffer)
{
	const std::optional<PixelFormat> format = pixelFormat(config.pixelFormat);
	if (!format)
		return Error{EINVAL,
			     "pixel format " + config.pixelFormat.toString() + " is not supported"};

	Result<FrameLayout> layout =
		contiguousLayout(-1, *format, config.size.width, config.size.height, config.stride);
	if (!layout)
		return layout;

	if (buffer.planes().size() < layout->planes.size())
		return Error{EINVAL, "the buffer has " + std::to_string(buffer.planes().size()) +
					     " planes, " + config.pixelFormat.toString() +
					     " needs more"};

	for (std::size_t i = 0; i < layout->planes.size(); i++) {
		const libcamera::FrameBuffer::Plane &plane = buffer.planes()[i];
		layout->planes[i].fd = plane.fd.get();
		layout->planes[i].offset = plane.offset;
		layout->planes[i].length = plane.length;
	}

	return layout;
}

} /* namespace cmacam */
