/* SPDX-License-Identifier: MIT */
/* Descriptors and mappings that end with their scope, and ioctl() that throws. */
#pragma once

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <span>
#include <string>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace bench {

[[noreturn]] inline void fail(const std::string &what)
{
	throw std::system_error(errno, std::generic_category(), what);
}

class Fd
{
public:
	explicit Fd(int fd = -1) : fd_(fd) {}
	Fd(Fd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	Fd &operator=(Fd &&) = delete;
	~Fd()
	{
		if (fd_ >= 0)
			close(fd_);
	}

	static Fd open(const std::string &path, int flags)
	{
		const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
		if (fd < 0)
			fail(path);
		return Fd(fd);
	}

	int get() const { return fd_; }
	bool isValid() const { return fd_ >= 0; }

private:
	int fd_;
};

/* A shared mapping for reading. */
class Mapping
{
public:
	Mapping(int fd, off_t offset, size_t size)
		: address_(mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, offset)), size_(size)
	{
		if (address_ == MAP_FAILED)
			fail("mmap");
	}
	Mapping(Mapping &&other) noexcept
		: address_(std::exchange(other.address_, MAP_FAILED)), size_(other.size_)
	{
	}
	Mapping &operator=(Mapping &&) = delete;
	~Mapping()
	{
		if (address_ != MAP_FAILED)
			munmap(address_, size_);
	}

	std::span<const std::byte> bytes() const
	{
		return {static_cast<const std::byte *>(address_), size_};
	}

private:
	void *address_;
	size_t size_;
};

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

template <typename T>
void control(int fd, unsigned long request, T *argument, const char *name)
{
	if (tryControl(fd, request, argument))
		fail(name);
}

} /* namespace bench */
