/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The driver's own sentence about what went wrong last, and errno in words.
 */
#pragma once

#include <optional>
#include <string>

#include "error.h"

namespace cmacam::gst {

/* Empty if the driver has nothing to say about camera @id. */
std::optional<std::string> driverError(const std::string &id);
/* Of libcamera's -ENODEV and -ENOMEM, @otherwise of any other. */
Error::Kind kindOf(int ret, Error::Kind otherwise);
/* A negative errno as text and number. */
std::string describeErrno(int ret);

} /* namespace cmacam::gst */
