/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace fuzz {

namespace {

/* The size of the largest pages that a buffer can be mapped with. */
constexpr size_t kHugePage = 2 << 20;
/* How far a range may reach beyond its mapping. */
constexpr size_t kBeyond = 1 << 20;

constexpr uintptr_t roundUp(uintptr_t value, size_t unit)
{
	return (value + unit - 1) / unit * unit;
}

} /* namespace */

Arena::Arena()
	: empty_(memfd_create("arena", MFD_CLOEXEC), "memfd_create"),
	  space_(empty_, 0, kSlots * kSlotBytes + kHugePage, PROT_NONE),
	  base_(reinterpret_cast<std::byte *>(
		  roundUp(reinterpret_cast<uintptr_t>(space_.data()), kHugePage)))
{
}

void Arena::clear()
{
	release({base_, kSlots * kSlotBytes});
}

std::byte *Arena::place(Random &random) const
{
	std::vector<size_t> free;
	for (size_t number = 0; number < kSlots; number++)
		if (!mappings_[number])
			free.push_back(number);
	const bool replaces = free.empty() || random.percent(10);
	const size_t number = replaces ? random.below(kSlots) : random.pick(free);
	/* Large pages need the alignment of a slot. */
	const size_t offset = random.percent(70) ? 0 : random.below(16) * kPage;
	return slot(number) + offset;
}

void Arena::mapped(Range range)
{
	mappings_[(range.address - base_) / kSlotBytes] = range;
}

void Arena::release(Range range)
{
	const auto begin = reinterpret_cast<uintptr_t>(range.address) / kPage * kPage;
	const size_t bytes = std::min(range.bytes, room(range.address));
	const auto last = roundUp(reinterpret_cast<uintptr_t>(range.address) + bytes, kPage);
	if (begin == last)
		return;
	/* With this offset, the kernel merges it with what is free beside it. */
	const auto offset = begin - reinterpret_cast<uintptr_t>(space_.data());
	if (mmap(reinterpret_cast<void *>(begin), last - begin, PROT_NONE, MAP_SHARED | MAP_FIXED,
		 empty_, static_cast<off_t>(offset)) == MAP_FAILED)
		support::fail("mmap of free address space");

	for (std::optional<Range> &mapping : mappings_) {
		if (!mapping)
			continue;
		const auto first = reinterpret_cast<uintptr_t>(mapping->address);
		const auto after = first + mapping->bytes;
		if (after <= begin || first >= last)
			continue;
		/* The larger of the parts that are left is remembered. */
		const size_t before = first < begin ? begin - first : 0;
		const size_t behind = after > last ? after - last : 0;
		if (!before && !behind)
			mapping.reset();
		else if (before >= behind)
			mapping->bytes = before;
		else
			mapping = Range{reinterpret_cast<std::byte *>(last), behind};
	}
}

Arena::Range Arena::whole(Random &random) const
{
	std::vector<Range> found;
	for (const std::optional<Range> &mapping : mappings_)
		if (mapping)
			found.push_back(*mapping);
	return found.empty() ? Range{base_, kPage} : random.pick(found);
}

Arena::Range Arena::part(Random &random) const
{
	const Range all = whole(random);
	const uint32_t pages = std::max<size_t>(all.bytes / kPage, 1);
	const uint32_t first = random.percent(40) ? 0 : random.below(pages);
	const uint32_t count =
		random.percent(40) ? pages - first : random.between(1, pages - first);
	Range range{all.address + first * kPage, count * kPage};

	if (random.percent(4))
		range.address += random.below(kPage);
	if (random.percent(4))
		range.bytes += random.below(kPage);
	if (random.percent(4))
		range.bytes += random.below(kBeyond);
	range.bytes = std::min(range.bytes, room(range.address));
	return range;
}

Arena::Range Arena::part(Random &random, size_t limit) const
{
	Range range = part(random);
	range.bytes = std::min(range.bytes, limit);
	return range;
}

} /* namespace fuzz */
