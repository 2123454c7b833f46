/* SPDX-License-Identifier: MIT */
/* Errors of system calls: a test or a bench cannot continue after such an error. */
#pragma once

#include <cerrno>
#include <string>
#include <sys/ioctl.h>
#include <system_error>

namespace support {

/* Throws a std::system_error for errno, with the text "WHAT: REASON". */
[[noreturn]] inline void fail(const std::string &what)
{
	throw std::system_error(errno, std::generic_category(), what);
}

/* Calls ioctl(), and repeats it after EINTR. Returns the errno, or 0 for success. */
template <typename T>
int tryControl(int fd, unsigned long request, T *argument)
{
	int status;
	do {
		status = ioctl(fd, request, argument);
	} while (status < 0 && errno == EINTR);
	return status < 0 ? errno : 0;
}

/* Calls ioctl() in the same way as tryControl(). A failure throws. */
template <typename T>
void control(int fd, unsigned long request, T *argument, const char *name)
{
	if (tryControl(fd, request, argument))
		fail(name);
}

} /* namespace support */
