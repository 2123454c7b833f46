/* SPDX-License-Identifier: MIT */
/* Ioctls of the video nodes for formats, sizes, intervals, inputs and priorities. */
#pragma once

#include <linux/videodev2.h>

#include "call_group.h"

namespace fuzz {

class FormatCalls : private CallGroup<FormatCalls>
{
public:
	FormatCalls(const Context &context, CallList &calls);

private:
	friend CallGroup;

	long queryCapabilities(Random &random);
	long enumerateFormats(Random &random);
	long getFormat(Random &random);
	long setFormat(Random &random);
	long tryFormat(Random &random);
	long enumerateSizes(Random &random);
	long enumerateIntervals(Random &random);
	long getSelection(Random &random);
	long getCropLimits(Random &random);
	long getParameters(Random &random);
	long setParameters(Random &random);
	long enumerateInputs(Random &random);
	long getInput(Random &random);
	long setInput(Random &random);
	long getPriority(Random &random);
	long setPriority(Random &random);
	long logStatus(Random &random);

	uint32_t pixels(Random &random, Kind kind) const;
	v4l2_frmsize_discrete size(Random &random, Kind kind) const;
	v4l2_format wantedFormat(Random &random, Kind kind) const;
	long sendFormat(Random &random, unsigned long request);
};

} /* namespace fuzz */
