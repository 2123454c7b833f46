/* SPDX-License-Identifier: MIT */
#include "mutation.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace fuzz {

namespace {

constexpr std::array<uint64_t, 16> kBoundaries = {
	0,
	1,
	2,
	0x3f,
	0xff,
	4095,
	4096,
	4097,
	0xffff,
	0x10000,
	0x7fffffff,
	0x80000000,
	0x7fffffffffffffff,
	0xfffff000,
	0xffffffff,
	UINT64_MAX,
};

void flipBit(Random &random, std::span<std::byte> argument)
{
	const uint32_t bit = random.below(argument.size() * 8);
	argument[bit / 8] ^= std::byte{1} << bit % 8;
}

/* The fields of the kernel's structures are aligned to their size. */
template <typename T>
void changeNumber(Random &random, std::span<std::byte> argument)
{
	if (argument.size() < sizeof(T))
		return;
	std::byte *place = argument.data() + random.below(argument.size() / sizeof(T)) * sizeof(T);
	T value;
	memcpy(&value, place, sizeof(value));
	switch (random.below(4)) {
	case 0:
		value++;
		break;
	case 1:
		value--;
		break;
	case 2:
		value = static_cast<T>(random.next());
		break;
	default:
		value = static_cast<T>(boundary(random));
	}
	memcpy(place, &value, sizeof(value));
}

void fillPart(Random &random, std::span<std::byte> argument)
{
	const uint32_t begin = random.below(argument.size());
	const uint32_t size = random.below(std::min<size_t>(16, argument.size() - begin) + 1);
	const auto value = static_cast<std::byte>(random.next());
	std::ranges::fill(argument.subspan(begin, size), value);
}

} /* namespace */

uint64_t boundary(Random &random)
{
	return random.pick(kBoundaries);
}

void mutate(Random &random, std::span<std::byte> argument)
{
	for (uint32_t left = random.between(1, 3); left; left--) {
		switch (random.below(8)) {
		case 0:
		case 1:
			flipBit(random, argument);
			break;
		case 2:
		case 3:
		case 4:
		case 5:
			changeNumber<uint32_t>(random, argument);
			break;
		case 6:
			changeNumber<uint64_t>(random, argument);
			break;
		default:
			fillPart(random, argument);
		}
	}
}

} /* namespace fuzz */
