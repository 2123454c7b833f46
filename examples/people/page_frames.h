/* SPDX-License-Identifier: MIT */
/*
 * The physical addresses behind a mapping.
 */

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <cmacam/result.h>

/* Where a piece of memory lies physically. */
struct PhysicalRange
{
	std::uint64_t start; /* of the first byte */
	bool contiguous;     /* every page follows the one before */
};

/*
 * Look up memory in /proc/self/pagemap, which takes CAP_SYS_ADMIN: without it
 * the kernel shows no page frame numbers and this is an error.
 */
cmacam::Result<PhysicalRange> physicalRange(std::span<const std::byte> memory);
