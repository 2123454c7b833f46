/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Storage for the error texts that cmacam::lastError() returns.
 */

#pragma once

#include <string>

namespace libcamera {

void setCmacamLastError(const std::string &cameraId, const std::string &text);
unsigned int nextCmacamError();
void setCmacamLossError(const std::string &cameraId, unsigned int number, const std::string &text);
void clearCmacamLossError(const std::string &cameraId);

} /* namespace libcamera */
