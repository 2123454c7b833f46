/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The driver's own sentence about what went wrong last, through the handler.
 */
#pragma once

#include <optional>
#include <string>

namespace cmacam::gst {

/* Empty if the driver has nothing to say about camera @id. */
std::optional<std::string> driverError(const std::string &id);

} /* namespace cmacam::gst */
