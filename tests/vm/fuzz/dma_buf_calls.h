/* SPDX-License-Identifier: MIT */
/* Ioctls of dma-bufs, of /dev/vb2-cma and of the dma-heap. */
#pragma once

#include "call_group.h"

namespace fuzz {

class DmaBufCalls : private CallGroup<DmaBufCalls>
{
public:
	DmaBufCalls(const Context &context, CallList &calls);

private:
	friend CallGroup;

	long sync(Random &random);
	long syncPart(Random &random);
	long makeReader(Random &random);
	long setName(Random &random);
	long exportSyncFile(Random &random);
	long importSyncFile(Random &random);
	long allocate(Random &random);
	long seek(Random &random);
};

} /* namespace fuzz */
