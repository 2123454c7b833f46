/* SPDX-License-Identifier: MIT */
/* Random numbers that depend only on a seed, on every machine. */
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace fuzz {

/* Spreads the bits of a number over all bits of the result (the last step of splitmix64). */
constexpr uint64_t mix(uint64_t value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}

/* The generator xoshiro256**. */
class Random
{
public:
	explicit Random(uint64_t seed)
	{
		for (uint64_t &word : state_)
			word = mix(seed += 0x9e3779b97f4a7c15);
	}

	/*
	 * The random numbers of one call of a process. Each call has its own numbers, so what an
	 * earlier call needed, which depends on its result, does not change a later call.
	 */
	static Random forCall(uint64_t seed, uint32_t process, uint64_t number)
	{
		return Random(mix(mix(mix(seed) + process) + number));
	}

	uint64_t next()
	{
		const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
		const uint64_t shifted = state_[1] << 17;
		state_[2] ^= state_[0];
		state_[3] ^= state_[1];
		state_[1] ^= state_[2];
		state_[0] ^= state_[3];
		state_[2] ^= shifted;
		state_[3] = std::rotl(state_[3], 45);
		return result;
	}

	/* A number from 0 to limit - 1, or 0 if the limit is 0. */
	uint32_t below(uint32_t limit) { return (next() >> 32) * limit >> 32; }
	/* A number from first to last. */
	uint32_t between(uint32_t first, uint32_t last) { return first + below(last - first + 1); }
	/* True in this share of the calls. */
	bool percent(uint32_t share) { return below(100) < share; }

	/* An element of a range, which must not be empty. */
	template <typename Range>
	auto &pick(Range &range)
	{
		return *(std::begin(range) + below(static_cast<uint32_t>(std::size(range))));
	}

private:
	std::array<uint64_t, 4> state_;
};

} /* namespace fuzz */
