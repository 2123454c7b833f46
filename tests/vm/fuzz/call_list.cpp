/* SPDX-License-Identifier: MIT */
#include "call_list.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <stdexcept>

namespace fuzz {

void CallList::add(Call call)
{
	if (calls_.size() == Counters::kCalls)
		throw std::logic_error("there are more calls than counters");
	weights_ += call.weight;
	calls_.push_back(std::move(call));
}

CallId CallList::choose(Random &random) const
{
	uint32_t left = random.below(weights_);
	CallId call = 0;
	while (left >= calls_[call].weight)
		left -= calls_[call++].weight;
	return call;
}

void CallList::make(CallId call, Random &random)
{
	const long result = calls_[call].make(random);
	counters_.count(call, result < 0 ? errno : 0);
}

void CallList::print() const
{
	for (CallId call = 0; call < calls_.size(); call++)
		printf("%-5s %-32s succeeded=%-9" PRIu64 " failed=%-9" PRIu64 " errors=%s\n",
		       calls_[call].isIoctl ? "ioctl" : "call", calls_[call].name.c_str(),
		       counters_.succeeded(call), counters_.failed(call),
		       counters_.errors(call).c_str());
}

} /* namespace fuzz */
