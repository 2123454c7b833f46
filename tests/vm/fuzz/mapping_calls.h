/* SPDX-License-Identifier: MIT */
/* Calls that map buffers, and calls that change mappings. All of them stay within the arena. */
#pragma once

#include "call_group.h"

namespace fuzz {

class MappingCalls : private CallGroup<MappingCalls>
{
public:
	MappingCalls(const Context &context, CallList &calls);

private:
	friend CallGroup;

	long mapNode(Random &random);
	long mapDmaBuf(Random &random);
	long unmap(Random &random);
	long remap(Random &random);
	long advise(Random &random);
	long protect(Random &random);
	long lock(Random &random);
	long unlock(Random &random);
	long synchronise(Random &random);
	long residency(Random &random);

	long map(Random &random, int fd, uint64_t offset, size_t bytes);
	long moveTo(Random &random, Arena::Range from, size_t bytes, int flags);
};

} /* namespace fuzz */
