/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Storage for the error texts that cmacam::lastError() returns.
 */

#pragma once

#include <string>

namespace libcamera {

void setCmacamLastError(const std::string &cameraId, const std::string &text);
unsigned int cmacamLastErrorChanges(const std::string &cameraId);
void setCmacamLastErrorOf(const std::string &cameraId, unsigned int changes,
			  const std::string &text);

} /* namespace libcamera */
