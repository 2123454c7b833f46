/* SPDX-License-Identifier: MIT */
/* A shared mapping that is unmapped at the end of its scope. */
#pragma once

#include <cstddef>
#include <span>
#include <sys/mman.h>
#include <utility>

#include "error.h"

namespace support {

class Mapping
{
public:
	Mapping() = default;
	/* Calls mmap(), and throws if it fails. */
	Mapping(int fd, off_t offset, size_t size, int protection = PROT_READ | PROT_WRITE)
		: address_(mmap(nullptr, size, protection, MAP_SHARED, fd, offset)), size_(size)
	{
		if (address_ == MAP_FAILED)
			fail("mmap");
	}
	Mapping(Mapping &&other) noexcept
		: address_(std::exchange(other.address_, MAP_FAILED)), size_(other.size_)
	{
	}
	Mapping &operator=(Mapping &&other) noexcept
	{
		std::swap(address_, other.address_);
		std::swap(size_, other.size_);
		return *this;
	}
	~Mapping()
	{
		if (address_ != MAP_FAILED)
			munmap(address_, size_);
	}

	/* Returns the address. The caller must unmap it. */
	void *release() { return std::exchange(address_, MAP_FAILED); }
	std::byte *data() const { return static_cast<std::byte *>(address_); }
	size_t size() const { return size_; }
	std::span<std::byte> bytes() const { return {data(), size_}; }

private:
	void *address_ = MAP_FAILED;
	size_t size_ = 0;
};

} /* namespace support */
