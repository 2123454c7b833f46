/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The error of a system call that has just failed.
 */

#pragma once

#include <cerrno>
#include <cstring>
#include <string>

#include <cmacam/result.h>

namespace cmacam {

/** errno, and what was tried with the system's words for it. */
inline Error fromErrno(const std::string &operation)
{
	const int code = errno;
	return {code, operation + ": " + std::strerror(code)};
}

} /* namespace cmacam */
