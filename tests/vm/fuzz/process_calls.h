/* SPDX-License-Identifier: MIT */
/* Calls that make and end processes, and that open and close files. */
#pragma once

#include "call_group.h"

namespace fuzz {

class ProcessCalls : private CallGroup<ProcessCalls>
{
public:
	ProcessCalls(const Context &context, CallList &calls);

private:
	friend CallGroup;

	long forkChild(Random &random);
	long open(Random &random);
	long duplicate(Random &random);
	long closeNode(Random &random);
	long closeDmaBuf(Random &random);

	[[noreturn]] void runChild(Random &random);
};

} /* namespace fuzz */
