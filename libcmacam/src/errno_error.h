/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the error of a system call that has just failed.
 */

#pragma once

#include <cerrno>
#include <cstring>
#include <string>

#include <cmacam/result.h>

namespace cmacam {

/** Make an error from errno. The text is \a operation and the system's text for errno. */
inline Error fromErrno(const std::string &operation)
{
	const int code = errno;
	return {code, operation + ": " + std::strerror(code)};
}

} /* namespace cmacam */
