/* SPDX-License-Identifier: MIT */
/* Ioctls of the sensor's pad. */
#pragma once

#include <linux/v4l2-subdev.h>

#include "call_group.h"

namespace fuzz {

class SubdevCalls : private CallGroup<SubdevCalls>
{
public:
	SubdevCalls(const Context &context, CallList &calls);

private:
	friend CallGroup;

	long queryCapabilities(Random &random);
	long enumerateCodes(Random &random);
	long enumerateSizes(Random &random);
	long getFormat(Random &random);
	long setFormat(Random &random);
	long getSelection(Random &random);
	long setSelection(Random &random);
	long getCrop(Random &random);
	long setCrop(Random &random);
	long getClient(Random &random);
	long setClient(Random &random);

	long sendFormat(Random &random, unsigned long request);
	long sendSelection(Random &random, unsigned long request);
	long sendCrop(Random &random, unsigned long request);
};

} /* namespace fuzz */
