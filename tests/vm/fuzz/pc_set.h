/* SPDX-License-Identifier: MIT */
/* A set of addresses of kernel code, in memory that the processes share. */
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fuzz {

class PcSet
{
public:
	/* Adds an address, which must not be 0. A full set ignores new addresses. */
	void insert(uint64_t pc);
	/* All addresses, sorted. */
	std::vector<uint64_t> all() const;

private:
	/* Our modules have far fewer basic blocks. */
	static constexpr size_t kPlaces = 1 << 16;

	std::array<std::atomic<uint64_t>, kPlaces> places_{};
};

} /* namespace fuzz */
