/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The driver's own sentence about what went wrong last, and errno in words.
 */
#include "driver_error.h"

#include <cerrno>
#include <cstring>

#include <cmacam/last_error.h>

namespace cmacam::gst {

std::optional<std::string> driverError(const std::string &id)
{
	if (std::string text = lastError(id); !text.empty())
		return text;

	return std::nullopt;
}

Error::Kind kindOf(int ret, Error::Kind otherwise)
{
	return ret == -ENODEV	? Error::Kind::Lost
	       : ret == -ENOMEM ? Error::Kind::NoSpace
				: otherwise;
}

std::string describeErrno(int ret)
{
	return std::string(strerror(-ret)) + " (" + std::to_string(ret) + ")";
}

} /* namespace cmacam::gst */
