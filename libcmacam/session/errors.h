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
 * Make an error for a call that returned the negative errno @ret for camera @id.
 * The text consists of @what, which names the failed operation, and the reason. The
 * reason is the driver's sentence, which names the cause with its numbers. If the
 * driver has no sentence or the camera was unplugged, the reason is the text of the
 * errno.
 */
inline Error cameraError(const std::string &id, int ret, const std::string &what)
{
	const std::string driver = ret == -ENODEV ? std::string() : lastError(id);

	return {-ret, what + ": " + (driver.empty() ? strerror(-ret) : driver)};
}

/** Make the error ENODEV of a call for camera @id, which was unplugged. */
inline Error goneError(const std::string &id)
{
	return {ENODEV, "Camera '" + id + "' is gone: it was unplugged, or its driver gave up"};
}

} /* namespace cmacam */
