/* SPDX-License-Identifier: MIT */
/* The kinds of calls that a process makes, with the functions that make them. */
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "counters.h"
#include "random.h"

namespace fuzz {

/*
 * Makes one call with arguments of its own choice. Returns the result of the system call. If it is
 * negative, errno has the error.
 */
using MakeCall = std::function<long(Random &)>;

struct Call
{
	std::string name;
	bool isIoctl;
	uint32_t weight; /* its share of all calls is its weight divided by the sum of all */
	MakeCall make;
};

class CallList
{
public:
	explicit CallList(Counters &counters) : counters_(counters) {}

	void add(Call call);
	const std::vector<Call> &all() const { return calls_; }

	/* Chooses a call. */
	CallId choose(Random &random) const;
	/* Makes a call, and counts its result. */
	void make(CallId call, Random &random);
	/*
	 * Prints the table: a line for each call, with the number of times that it succeeded and
	 * failed, and its errors.
	 */
	void print() const;

private:
	Counters &counters_;
	std::vector<Call> calls_;
	uint32_t weights_ = 0;
};

} /* namespace fuzz */
