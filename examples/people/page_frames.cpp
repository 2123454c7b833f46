/* SPDX-License-Identifier: MIT */
/*
 * The physical addresses behind a mapping.
 */

#include "page_frames.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

#include <cmacam/dma_buf.h>

using cmacam::Error;
using cmacam::Result;

namespace {

/* Documentation/admin-guide/mm/pagemap.rst */
constexpr std::uint64_t kPresent = 1ULL << 63;
constexpr std::uint64_t kFrameMask = (1ULL << 55) - 1;

/* Read one byte of each page, so that the page table has an entry for it. */
void touch(std::span<const std::byte> memory, std::size_t pageSize)
{
	for (std::size_t i = 0; i < memory.size(); i += pageSize)
		static_cast<void>(*const_cast<const volatile std::byte *>(&memory[i]));
	/* The first byte need not begin a page, so the last may lie in one more. */
	static_cast<void>(*const_cast<const volatile std::byte *>(&memory.back()));
}

} /* namespace */

Result<PhysicalRange> physicalRange(std::span<const std::byte> memory)
{
	const std::size_t pageSize = sysconf(_SC_PAGESIZE);
	const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
	const std::size_t first = address / pageSize;
	const std::size_t last = (address + memory.size() - 1) / pageSize;

	touch(memory, pageSize);

	cmacam::UniqueFd fd(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	if (!fd.isValid())
		return Error{errno, std::string("/proc/self/pagemap: ") + std::strerror(errno)};

	std::vector<std::uint64_t> entries(last - first + 1);
	const auto bytes = static_cast<ssize_t>(entries.size() * sizeof(entries[0]));
	if (pread(fd.get(), entries.data(), bytes, first * sizeof(entries[0])) != bytes)
		return Error{EIO, "/proc/self/pagemap ends early"};

	const std::uint64_t start = entries[0] & kFrameMask;
	if (!(entries[0] & kPresent) || !start)
		return Error{EPERM, "the kernel hides the page frame numbers: run as root"};

	bool contiguous = true;
	for (std::size_t i = 0; i < entries.size(); i++)
		contiguous &= (entries[i] & kPresent) && (entries[i] & kFrameMask) == start + i;

	return PhysicalRange{start * pageSize + address % pageSize, contiguous};
}
