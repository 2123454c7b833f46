/* SPDX-License-Identifier: MIT */
#include "event_calls.h"

#include <linux/cmacam.h>

namespace fuzz {

EventCalls::EventCalls(const Context &context, CallList &calls) : CallGroup(context, calls)
{
	addIoctl("VIDIOC_SUBSCRIBE_EVENT", 10, &EventCalls::subscribe);
	addIoctl("VIDIOC_UNSUBSCRIBE_EVENT", 5, &EventCalls::unsubscribe);
	addIoctl("VIDIOC_DQEVENT", 20, &EventCalls::dequeue);
}

v4l2_event_subscription EventCalls::describe(Random &random, Kind kind) const
{
	static constexpr std::array<uint32_t, 7> types = {
		V4L2_EVENT_CTRL,	 V4L2_EVENT_CTRL,	 V4L2_EVENT_FRAME_SYNC,
		V4L2_EVENT_FRAME_SYNC,	 V4L2_EVENT_CMACAM_LOST, V4L2_EVENT_CMACAM_LOST,
		V4L2_EVENT_SOURCE_CHANGE};
	v4l2_event_subscription subscription{};
	subscription.type = random.pick(types);
	const auto &controls = context_.offers.controls(kind);
	if (subscription.type == V4L2_EVENT_CTRL && !controls.empty())
		subscription.id = random.pick(controls).id;
	subscription.flags =
		random.below(V4L2_EVENT_SUB_FL_SEND_INITIAL | V4L2_EVENT_SUB_FL_ALLOW_FEEDBACK) + 1;
	return subscription;
}

long EventCalls::subscribe(Random &random)
{
	const Kind kind = random.pick(kControlled);
	v4l2_event_subscription subscription = describe(random, kind);
	return send(random, kind, VIDIOC_SUBSCRIBE_EVENT, subscription);
}

long EventCalls::unsubscribe(Random &random)
{
	const Kind kind = random.percent(90) ? random.pick(kControlled) : Kind::Metadata;
	v4l2_event_subscription subscription = describe(random, kind);
	if (random.percent(10))
		subscription.type = V4L2_EVENT_ALL;
	return send(random, kind, VIDIOC_UNSUBSCRIBE_EVENT, subscription);
}

long EventCalls::dequeue(Random &random)
{
	v4l2_event event{};
	return send(random, random.pick(kControlled), VIDIOC_DQEVENT, event);
}

} /* namespace fuzz */
