/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of libcamera. Header only: the library does not link to libcamera.
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

/** \return The row of libcamera's \a format, or nullptr */
inline const FormatInfo *findFormat(const libcamera::PixelFormat &format)
{
	return format.modifier() ? nullptr : findDrmFormat(format.fourcc());
}

/** The pixel format of libcamera's \a format, if the library knows it. */
inline std::optional<PixelFormat> pixelFormat(const libcamera::PixelFormat &format)
{
	if (const FormatInfo *info = findFormat(format))
		return info->format;

	return std::nullopt;
}

/**
 * Where the pixels of a libcamera frame lie.
 *
 * \param[in] config Configuration of the stream, as Camera::configure() left it
 * \param[in] buffer A buffer of that stream; its file descriptors are borrowed
 *
 * \return EINVAL if the pixel format is not known or the buffer has too few
 * planes for it
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
