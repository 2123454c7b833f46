/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors of libcamera, with the driver's sentence about the cause.
 */
#pragma once

#include <cerrno>
#include <cstring>
#include <string>

#include <cmacam/last_error.h>
#include <cmacam/result.h>

namespace cmacam {

/**
 * Make an error of the negative errno @ret of a call for camera @id. The text says
 * @what failed and why. The reason is the driver's sentence with its numbers. It is
 * the text of the errno if the driver has no sentence or the camera is unplugged.
 */
inline Error cameraError(const std::string &id, int ret, const std::string &what)
{
	const std::string driver = ret == -ENODEV ? std::string() : lastError(id);

	return {-ret, what + ": " + (driver.empty() ? strerror(-ret) : driver)};
}

/** Make the error of a call for camera @id after the camera was unplugged. */
inline Error goneError(const std::string &id)
{
	return {ENODEV, "Camera '" + id + "' is gone: it was unplugged, or its driver gave up"};
}

} /* namespace cmacam */
