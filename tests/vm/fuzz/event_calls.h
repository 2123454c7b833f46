/* SPDX-License-Identifier: MIT */
/* Ioctls for events, on the video nodes and on the sensor. */
#pragma once

#include <linux/videodev2.h>

#include "call_group.h"

namespace fuzz {

class EventCalls : private CallGroup<EventCalls>
{
public:
	EventCalls(const Context &context, CallList &calls);

private:
	friend CallGroup;

	long subscribe(Random &random);
	long unsubscribe(Random &random);
	long dequeue(Random &random);

	v4l2_event_subscription describe(Random &random, Kind kind) const;
};

} /* namespace fuzz */
