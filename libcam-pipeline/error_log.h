/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Storage for the error texts that cmacam::lastError() returns.
 */

#pragma once

#include <string>

namespace libcamera {

void setCmacamLastError(const std::string &cameraId, const std::string &text);
void extendCmacamLastError(const std::string &cameraId, const std::string &text,
			   const std::string &addition);

} /* namespace libcamera */
