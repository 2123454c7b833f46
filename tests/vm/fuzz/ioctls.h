/* SPDX-License-Identifier: MIT */
/* Makes ioctls. The argument is valid in most calls. */
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "bad_memory.h"
#include "descriptors.h"
#include "random.h"

namespace fuzz {

class Ioctls
{
public:
	explicit Ioctls(Descriptors &descriptors) : descriptors_(descriptors) {}

	/*
	 * Calls ioctl() and returns its result. In some calls, the argument is mutated first, or
	 * its address or the descriptor is a wrong one.
	 * restore: called after the argument was mutated, to set pointers again and to keep sizes
	 * within the limits.
	 */
	template <typename T>
	long call(Random &random, int fd, unsigned long request, T &argument,
		  const std::function<void()> &restore = {})
	{
		return send(random, fd, request, std::as_writable_bytes(std::span(&argument, 1)),
			    restore);
	}

private:
	long send(Random &random, int fd, unsigned long request, std::span<std::byte> argument,
		  const std::function<void()> &restore);

	Descriptors &descriptors_;
	BadMemory badMemory_;
};

} /* namespace fuzz */
