/* SPDX-License-Identifier: MIT */
/* Ioctls of the buffer queues. */
#pragma once

#include <linux/videodev2.h>

#include "call_group.h"

namespace fuzz {

class BufferCalls : private CallGroup<BufferCalls>
{
public:
	BufferCalls(const Context &context, CallList &calls);

private:
	friend CallGroup;

	long request(Random &random);
	long create(Random &random);
	long remove(Random &random);
	long query(Random &random);
	long prepare(Random &random);
	long queue(Random &random);
	long dequeue(Random &random);
	long exportBuffer(Random &random);
	long streamOn(Random &random);
	long streamOff(Random &random);

	Kind busyQueue(Random &random) const;
	QueueHint &hint(Kind kind) const { return context_.shared.queues[indexOf(kind)]; }
	/* The memory of a queue's buffers (V4L2_MEMORY_*). */
	uint32_t memory(Kind kind) const;
	uint32_t index(Random &random, Kind kind) const;
	v4l2_buffer describe(Random &random, Kind kind) const;
	long sendBuffer(Random &random, unsigned long request);
	long sendStream(Random &random, unsigned long request);
};

} /* namespace fuzz */
