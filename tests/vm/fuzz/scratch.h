/* SPDX-License-Identifier: MIT */
/*
 * Memory for what arguments point to: arrays, texts and the bytes of read(). It is larger than any
 * size that a mutated argument can make the kernel write, and no other data lies behind it.
 */
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include "support/mapping.h"

namespace fuzz {

class Scratch
{
public:
	static constexpr size_t kBytes = 1 << 20;
	/* The part for arrays. The part for texts follows it. */
	static constexpr size_t kTexts = kBytes / 2;

	Scratch();

	std::byte *data() const { return memory_.data(); }

	/* The memory at an offset as an array. */
	template <typename T>
	T *array(size_t offset = 0) const
	{
		return reinterpret_cast<T *>(memory_.data() + offset);
	}

	/* A copy of a text with its final 0, or the memory for one. */
	char *text(std::string_view content = {}, size_t offset = 0) const
	{
		char *place = array<char>(kTexts + offset);
		memcpy(place, content.data(), content.size());
		place[content.size()] = 0;
		return place;
	}

private:
	support::Mapping memory_;
};

} /* namespace fuzz */
