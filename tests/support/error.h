/* SPDX-License-Identifier: MIT */
/* How a system call fails that a test or a bench cannot go on without. */
#pragma once

#include <cerrno>
#include <string>
#include <sys/ioctl.h>
#include <system_error>

namespace support {

/* Throws what errno says of a call, as "WHAT: REASON". */
[[noreturn]] inline void fail(const std::string &what)
{
	throw std::system_error(errno, std::generic_category(), what);
}

/* ioctl() that goes on after a signal; its errno, 0 for success. */
template <typename T>
int tryControl(int fd, unsigned long request, T *argument)
{
	int status;
	do {
		status = ioctl(fd, request, argument);
	} while (status < 0 && errno == EINTR);
	return status < 0 ? errno : 0;
}

/* The same, where a failure throws. */
template <typename T>
void control(int fd, unsigned long request, T *argument, const char *name)
{
	if (tryControl(fd, request, argument))
		fail(name);
}

} /* namespace support */
