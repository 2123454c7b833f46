/* SPDX-License-Identifier: MIT */
/* Ioctls of the media device. */
#pragma once

#include "call_group.h"

namespace fuzz {

class MediaCalls : private CallGroup<MediaCalls>
{
public:
	MediaCalls(const Context &context, CallList &calls);

private:
	friend CallGroup;

	long deviceInfo(Random &random);
	long enumerateEntities(Random &random);
	long enumerateLinks(Random &random);
	long setupLink(Random &random);
	long getTopology(Random &random);

	uint32_t entity(Random &random) const;
};

} /* namespace fuzz */
