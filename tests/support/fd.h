/* SPDX-License-Identifier: MIT */
/* A file descriptor that is closed at the end of its scope. */
#pragma once

#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <utility>

#include "error.h"

namespace support {

class Fd
{
public:
	Fd() = default;
	/*
	 * Takes over the descriptor. Throws if it is negative, because then the call that
	 * returned it has failed.
	 */
	explicit Fd(int fd, const char *call = "open") : fd_(fd)
	{
		if (fd < 0)
			fail(call);
	}
	Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	Fd &operator=(Fd &&other) noexcept
	{
		std::swap(fd_, other.fd_);
		return *this;
	}
	~Fd() { reset(); }

	/* Opens a file with close-on-exec. */
	static Fd open(const std::string &path, int flags)
	{
		return Fd(::open(path.c_str(), flags | O_CLOEXEC), path.c_str());
	}

	void reset()
	{
		if (fd_ >= 0)
			close(std::exchange(fd_, -1));
	}

	/* Returns the descriptor. The caller must close it. */
	int release() { return std::exchange(fd_, -1); }
	bool isValid() const { return fd_ >= 0; }
	/* The number of the descriptor, so that an Fd can be passed to system calls. */
	operator int() const { return fd_; }

private:
	int fd_ = -1;
};

} /* namespace support */
