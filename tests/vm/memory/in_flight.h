/* SPDX-License-Identifier: MIT */
/* Pages of a frame that the kernel holds on its way to somebody who has not read them yet. */
#pragma once

#include <span>

#include "common.h"

/* Pages into a pipe, which must have the room for them. */
void spliceInto(int pipe, std::span<const std::byte> bytes);

class InFlight
{
public:
	/* vmsplice() into a pipe: the pages themselves lie in it. */
	static InFlight inPipe(std::span<const std::byte> bytes);

	/*
	 * MSG_ZEROCOPY to a peer that does not read. The sender is closed at
	 * once; its queue stays in the kernel, and the pages in it, until the
	 * peer has read.
	 */
	static InFlight inSocket(std::span<const std::byte> bytes);

	/* Read what comes out. */
	Bytes arrive(size_t size);

private:
	explicit InFlight(Fd end) : end_(std::move(end)) {}

	Fd end_;
};
