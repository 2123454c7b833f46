/* SPDX-License-Identifier: MIT */
#include "counters.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

namespace fuzz {

void Counters::count(CallId call, int error)
{
	const size_t place = std::min(static_cast<size_t>(error), kErrors - 1);
	results_[call][place].fetch_add(1, std::memory_order_relaxed);
}

uint64_t Counters::failed(CallId call) const
{
	const auto &row = results_[call];
	return std::accumulate(row.begin() + 1, row.end(), uint64_t{0});
}

std::string Counters::errors(CallId call) const
{
	std::vector<std::pair<uint64_t, int>> found;
	for (size_t error = 1; error < kErrors; error++)
		if (const uint64_t count = results_[call][error])
			found.emplace_back(count, static_cast<int>(error));
	std::ranges::sort(found, std::greater());

	std::string text;
	for (const auto &[count, error] : found) {
		const char *name = strerrorname_np(error);
		text += (text.empty() ? "" : ",") + (name ? std::string(name) : "unknown") + ":" +
			std::to_string(count);
	}
	return text;
}

uint64_t Counters::total() const
{
	uint64_t sum = 0;
	for (CallId call = 0; call < kCalls; call++)
		sum += succeeded(call) + failed(call);
	return sum;
}

} /* namespace fuzz */
