/* SPDX-License-Identifier: MIT */
#include "process_calls.h"

#include <cerrno>
#include <csignal>
#include <linux/dma-buf.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fuzz {

namespace {

/* A child that nobody kills ends after this number of seconds. */
constexpr unsigned int kChildSeconds = 60;

/* Reads or writes each page as a program does. Pages without access kill the child. */
void touch(Arena::Range range, bool writes)
{
	for (size_t offset = 0; offset < range.bytes; offset += kPage) {
		volatile std::byte *const byte = range.address + offset;
		const std::byte value = *byte;
		if (writes)
			*byte = value;
	}
}

} /* namespace */

ProcessCalls::ProcessCalls(const Context &context, CallList &calls) : CallGroup(context, calls)
{
	addCall("fork", 4, &ProcessCalls::forkChild);
	addCall("open node", 10, &ProcessCalls::open);
	addCall("dup node", 4, &ProcessCalls::duplicate);
	addCall("close node", 12, &ProcessCalls::closeNode);
	addCall("close dma-buf", 15, &ProcessCalls::closeDmaBuf);
}

/* The child has the parent's mappings and descriptors. It ends without any clean-up. */
void ProcessCalls::runChild(Random &random)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(kChildSeconds);
	const Arena::Range range = context_.arena.part(random);
	switch (random.below(6)) {
	case 0:
		touch(range, false);
		break;
	case 1:
		touch(range, true);
		break;
	case 2: {
		dma_buf_sync access{DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW};
		ioctl(context_.descriptors.dmaBufOrNone(random), DMA_BUF_IOCTL_SYNC, &access);
		break;
	}
	case 3:
		munmap(range.address, range.bytes);
		break;
	case 4:
		context_.descriptors.closeNode(random);
		break;
	default:
		pause();
	}
	_exit(0);
}

long ProcessCalls::forkChild(Random &random)
{
	/* The child's numbers do not depend on which of the two runs first. */
	Random childs(random.next());
	const uint32_t patience = random.below(3);
	const pid_t child = fork();
	if (child < 0)
		return -1;
	if (child == 0)
		runChild(childs);

	for (uint32_t left = patience; left; left--)
		sched_yield();
	kill(child, SIGKILL);
	return waitpid(child, nullptr, 0);
}

long ProcessCalls::open(Random &random)
{
	return context_.descriptors.open(random, random.pick(kAllKinds));
}

long ProcessCalls::duplicate(Random &random)
{
	return context_.descriptors.duplicate(random, random.pick(kAllKinds));
}

long ProcessCalls::closeNode(Random &random)
{
	return context_.descriptors.closeNode(random);
}

long ProcessCalls::closeDmaBuf(Random &random)
{
	return context_.descriptors.closeDmaBuf(random);
}

} /* namespace fuzz */
