/* SPDX-License-Identifier: MIT */
#include "control_calls.h"

#include <algorithm>
#include <cstddef>

#include "mutation.h"

namespace fuzz {

namespace {

/* The room for each text in the scratch memory. */
constexpr size_t kTextBytes = 4096;

int64_t valueFor(Random &random, const Control &control)
{
	if (random.percent(5))
		return static_cast<int64_t>(boundary(random));
	/* At most 2^32 values, as all controls of the driver have. */
	const uint64_t values = control.maximum - control.minimum + 1;
	return control.minimum +
	       static_cast<int64_t>(random.next() % std::max<uint64_t>(values, 1));
}

} /* namespace */

ControlCalls::ControlCalls(const Context &context, CallList &calls) : CallGroup(context, calls)
{
	addIoctl("VIDIOC_QUERYCTRL", 6, &ControlCalls::query);
	addIoctl("VIDIOC_QUERY_EXT_CTRL", 6, &ControlCalls::queryExtended);
	addIoctl("VIDIOC_QUERYMENU", 6, &ControlCalls::queryMenu);
	addIoctl("VIDIOC_G_CTRL", 8, &ControlCalls::get);
	addIoctl("VIDIOC_S_CTRL", 14, &ControlCalls::set);
	addIoctl("VIDIOC_G_EXT_CTRLS", 8, &ControlCalls::getSeveral);
	addIoctl("VIDIOC_S_EXT_CTRLS", 14, &ControlCalls::setSeveral);
	addIoctl("VIDIOC_TRY_EXT_CTRLS", 8, &ControlCalls::trySeveral);
}

/* Most controls are those of the sensor. */
Kind ControlCalls::node(Random &random) const
{
	return random.percent(50) ? Kind::Sensor : random.pick(kControlled);
}

Control ControlCalls::control(Random &random, Kind kind) const
{
	const auto &controls = context_.offers.controls(kind);
	return controls.empty() ? Control{} : random.pick(controls);
}

uint32_t ControlCalls::queriedId(Random &random, Kind kind) const
{
	const uint32_t id = random.percent(10) ? 0 : control(random, kind).id;
	return random.percent(50) ? id
				  : id | V4L2_CTRL_FLAG_NEXT_CTRL |
					    (random.percent(50) ? V4L2_CTRL_FLAG_NEXT_COMPOUND : 0);
}

long ControlCalls::query(Random &random)
{
	const Kind kind = node(random);
	v4l2_queryctrl query{};
	query.id = queriedId(random, kind);
	return send(random, kind, VIDIOC_QUERYCTRL, query);
}

long ControlCalls::queryExtended(Random &random)
{
	const Kind kind = node(random);
	v4l2_query_ext_ctrl query{};
	query.id = queriedId(random, kind);
	return send(random, kind, VIDIOC_QUERY_EXT_CTRL, query);
}

long ControlCalls::queryMenu(Random &random)
{
	v4l2_querymenu query{};
	query.id = random.percent(80) ? V4L2_CID_TEST_PATTERN : control(random, Kind::Sensor).id;
	query.index = random.below(5);
	return send(random, Kind::Sensor, VIDIOC_QUERYMENU, query);
}

long ControlCalls::get(Random &random)
{
	const Kind kind = node(random);
	v4l2_control value{};
	value.id = control(random, kind).id;
	return send(random, kind, VIDIOC_G_CTRL, value);
}

long ControlCalls::set(Random &random)
{
	const Kind kind = node(random);
	const Control chosen = control(random, kind);
	v4l2_control value{};
	value.id = chosen.id;
	value.value = static_cast<int32_t>(valueFor(random, chosen));
	return send(random, kind, VIDIOC_S_CTRL, value);
}

void ControlCalls::fill(Random &random, const Control &control, v4l2_ext_control &entry,
			size_t number) const
{
	entry = {};
	entry.id = control.id;
	if (control.type == V4L2_CTRL_TYPE_STRING) {
		entry.size = random.percent(80) ? control.bytes : random.below(kTextBytes);
		entry.string = context_.scratch.text("a text", number * kTextBytes);
	} else {
		entry.value64 = valueFor(random, control);
	}
}

long ControlCalls::sendSeveral(Random &random, unsigned long request)
{
	static constexpr std::array<uint32_t, 6> which = {
		V4L2_CTRL_WHICH_CUR_VAL, V4L2_CTRL_WHICH_CUR_VAL, V4L2_CTRL_WHICH_CUR_VAL,
		V4L2_CTRL_WHICH_DEF_VAL, V4L2_CTRL_CLASS_USER,	  V4L2_CTRL_CLASS_IMAGE_SOURCE};
	const Kind kind = node(random);
	auto *entries = context_.scratch.array<v4l2_ext_control>();
	v4l2_ext_controls controls{};
	controls.which = random.pick(which);
	controls.count = random.percent(5) ? 0 : random.between(1, 6);
	for (uint32_t i = 0; i < controls.count; i++)
		fill(random, control(random, kind), entries[i], i);
	if (controls.count && random.percent(10)) {
		/* All but the pointer to a text. */
		auto *entry = reinterpret_cast<std::byte *>(entries + random.below(controls.count));
		mutate(random, {entry, offsetof(v4l2_ext_control, value64)});
	}
	controls.controls = entries;
	return send(random, kind, request, controls, [&] { controls.controls = entries; });
}

long ControlCalls::getSeveral(Random &random)
{
	return sendSeveral(random, VIDIOC_G_EXT_CTRLS);
}

long ControlCalls::setSeveral(Random &random)
{
	return sendSeveral(random, VIDIOC_S_EXT_CTRLS);
}

long ControlCalls::trySeveral(Random &random)
{
	return sendSeveral(random, VIDIOC_TRY_EXT_CTRLS);
}

} /* namespace fuzz */
