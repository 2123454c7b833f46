/* SPDX-License-Identifier: MIT */
/* The results of all calls, counted in memory that the processes share. */
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace fuzz {

/* The number of a kind of call in the list of calls (CallList). */
using CallId = uint32_t;

class Counters
{
public:
	static constexpr size_t kCalls = 192;

	/* Counts a call. error: its errno, 0 for success. */
	void count(CallId call, int error);

	uint64_t succeeded(CallId call) const { return results_[call][0]; }
	uint64_t failed(CallId call) const;
	/* The errors of a call, the most frequent first, as "EINVAL:12,EBUSY:3". */
	std::string errors(CallId call) const;
	/* The number of all calls. */
	uint64_t total() const;

private:
	/* The last one also counts larger numbers, which no call should return. */
	static constexpr size_t kErrors = 160;

	std::array<std::array<std::atomic<uint64_t>, kErrors>, kCalls> results_{};
};

} /* namespace fuzz */
