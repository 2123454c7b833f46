/* SPDX-License-Identifier: MIT */
/*
 * The physical addresses behind a mapping.
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
	bool contiguous;     /* the pages are adjacent and in order */
};

/*
 * Looks up memory in /proc/self/pagemap. Errors: EPERM without CAP_SYS_ADMIN, because the kernel
 * then hides the page frame numbers; EIO if the file ends early; those of open().
 */
cmacam::Result<PhysicalRange> physicalRange(std::span<const std::byte> memory);
