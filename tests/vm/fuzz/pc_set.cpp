/* SPDX-License-Identifier: MIT */
#include "pc_set.h"

#include <algorithm>

#include "random.h"

namespace fuzz {

void PcSet::insert(uint64_t pc)
{
	const size_t first = mix(pc) % kPlaces;
	for (size_t tried = 0; tried < kPlaces; tried++) {
		std::atomic<uint64_t> &place = places_[(first + tried) % kPlaces];
		uint64_t found = place.load(std::memory_order_relaxed);
		/* If another process was faster, `found` becomes what it wrote. */
		if (!found && place.compare_exchange_strong(found, pc, std::memory_order_relaxed))
			return;
		if (found == pc)
			return;
	}
}

std::vector<uint64_t> PcSet::all() const
{
	std::vector<uint64_t> found;
	for (const std::atomic<uint64_t> &place : places_)
		if (const uint64_t pc = place)
			found.push_back(pc);
	std::ranges::sort(found);
	return found;
}

} /* namespace fuzz */
