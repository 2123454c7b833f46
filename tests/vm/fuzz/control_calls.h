/* SPDX-License-Identifier: MIT */
/* Ioctls for controls, on the video nodes and on the sensor. */
#pragma once

#include <linux/videodev2.h>

#include "call_group.h"

namespace fuzz {

class ControlCalls : private CallGroup<ControlCalls>
{
public:
	ControlCalls(const Context &context, CallList &calls);

private:
	friend CallGroup;

	long query(Random &random);
	long queryExtended(Random &random);
	long queryMenu(Random &random);
	long get(Random &random);
	long set(Random &random);
	long getSeveral(Random &random);
	long setSeveral(Random &random);
	long trySeveral(Random &random);

	Kind node(Random &random) const;
	Control control(Random &random, Kind kind) const;
	uint32_t queriedId(Random &random, Kind kind) const;
	void fill(Random &random, const Control &control, v4l2_ext_control &entry,
		  size_t number) const;
	long sendSeveral(Random &random, unsigned long request);
};

} /* namespace fuzz */
