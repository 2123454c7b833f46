/* SPDX-License-Identifier: MIT */
/*
 * Finds the physical addresses of mapped memory.
 */

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <cmacam/result.h>

/* The physical position of a range of memory. */
struct PhysicalRange
{
	std::uint64_t start; /* physical address of the first byte */
	bool contiguous;     /* the pages are adjacent and in order in physical memory */
};

/*
 * Looks up the physical addresses of `memory` in /proc/self/pagemap. Errors: EPERM if the process
 * does not have CAP_SYS_ADMIN, because the kernel then hides the page frame numbers; EIO if
 * pagemap ends early; the errors of open().
 */
cmacam::Result<PhysicalRange> physicalRange(std::span<const std::byte> memory);
