/* SPDX-License-Identifier: MIT */
/*
 * The address space of one process for mappings of buffers. All calls that change mappings stay
 * within it, so that they do not change the program's own memory. Where nothing is mapped, there
 * is a mapping that cannot be accessed and never has memory.
 */
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "limits.h"
#include "random.h"
#include "support/fd.h"
#include "support/mapping.h"

namespace fuzz {

class Arena
{
public:
	struct Range
	{
		std::byte *address;
		size_t bytes;
	};

	Arena();

	/* The file behind the memory that cannot be accessed. */
	const support::Fd &file() const { return empty_; }

	/* Removes all mappings. */
	void clear();

	/* An address for a new mapping of at most kSlotBytes. Something may be mapped there. */
	std::byte *place(Random &random) const;
	/* The number of bytes from an address to the end of the arena. */
	size_t room(const std::byte *address) const { return end() - address; }
	/* Notes a new mapping. */
	void mapped(Range range);
	/* Puts memory that cannot be accessed where a mapping was, or may have been. */
	void release(Range range);

	/* All of a mapping. If there are no mappings, the range cannot be accessed. */
	Range whole(Random &random) const;
	/*
	 * A part of a mapping. Mostly, it consists of whole pages. Some ranges end behind the
	 * mapping.
	 */
	Range part(Random &random) const;
	/* A part of at most this size, for calls that copy or pin. */
	Range part(Random &random, size_t limit) const;

private:
	std::byte *slot(size_t number) const { return base_ + number * kSlotBytes; }
	std::byte *end() const { return slot(kSlots); }

	support::Fd empty_;
	support::Mapping space_;
	std::byte *base_;
	/* What is mapped in each slot. */
	std::array<std::optional<Range>, kSlots> mappings_;
};

} /* namespace fuzz */
