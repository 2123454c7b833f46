/* SPDX-License-Identifier: MIT */
/* Pages of a frame that a pipe or a socket holds until the receiver reads them. */
#pragma once

#include <span>

#include "common.h"

/* Makes a pipe large enough, and puts the pages into it with vmsplice(). */
void spliceInto(int pipe, std::span<const std::byte> bytes);

class InFlight
{
public:
	/* Pages in a pipe. vmsplice() does not copy them: the pipe refers to the pages. */
	static InFlight inPipe(std::span<const std::byte> bytes);

	/*
	 * Pages that were sent with MSG_ZEROCOPY to a peer that does not read
	 * yet. The sender is closed at once. The kernel keeps the sender's
	 * queue and its pages until the peer has read them.
	 */
	static InFlight inSocket(std::span<const std::byte> bytes);

	/* Reads `size` bytes at the receiving end. */
	Bytes arrive(size_t size);

private:
	explicit InFlight(Fd end) : end_(std::move(end)) {}

	Fd end_;
};
