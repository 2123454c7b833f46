/* SPDX-License-Identifier: MIT */
/* Where one process copies, splices and sends frames: two pipes, a file and a socket pair. */
#pragma once

#include <array>
#include <cstddef>

#include "descriptors.h"
#include "support/fd.h"

namespace fuzz {

struct Pipe
{
	support::Fd out; /* to read from */
	support::Fd in;	 /* to write to */
};

/* The ends of a pair of datagram sockets that all processes share. */
using SocketPair = std::array<support::Fd, 2>;

class Plumbing
{
public:
	Plumbing(Descriptors &descriptors, const SocketPair &sockets);

	const Pipe &pipe(size_t number) const { return pipes_[number]; }
	/* Replaces a pipe with an empty one. */
	void replacePipe(size_t number);
	/* A file of kFileBytes bytes in memory. */
	const support::Fd &file() const { return file_; }
	const SocketPair &sockets() const { return sockets_; }

private:
	std::array<Pipe, 2> pipes_;
	support::Fd file_;
	const SocketPair &sockets_;
};

} /* namespace fuzz */
