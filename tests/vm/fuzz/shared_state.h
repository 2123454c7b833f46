/* SPDX-License-Identifier: MIT */
/* What the processes share. */
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "counters.h"
#include "limits.h"
#include "nodes.h"
#include "pc_set.h"

namespace fuzz {

/*
 * The state of a buffer queue as its last successful call left it. Another process may change the
 * queue at any time, so this is only a hint for valid arguments.
 */
struct QueueHint
{
	std::atomic<uint32_t> buffers = 0;
	std::atomic<uint32_t> memory = 0; /* V4L2_MEMORY_* */
};

/* The progress of one process. If the process dies, its successor continues from here. */
struct Progress
{
	std::atomic<uint64_t> next = 0; /* number of the next call */
	std::atomic<CallId> call = 0;	/* the call that the process makes now */
};

struct SharedState
{
	std::atomic<bool> stop = false;
	std::array<Progress, kMaxProcesses> processes;
	std::array<QueueHint, kKinds> queues;
	Counters counters;
	PcSet coverage;
};

} /* namespace fuzz */
