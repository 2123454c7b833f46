/* SPDX-License-Identifier: MIT */
#include "plumbing.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "limits.h"

namespace fuzz {

namespace {

Pipe makePipe()
{
	std::array<int, 2> ends;
	if (pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC))
		support::fail("pipe2");
	return {support::Fd(ends[0]), support::Fd(ends[1])};
}

support::Fd makeFile()
{
	support::Fd file(memfd_create("copies", MFD_CLOEXEC), "memfd_create");
	if (ftruncate(file, kFileBytes))
		support::fail("ftruncate");
	return file;
}

} /* namespace */

Plumbing::Plumbing(Descriptors &descriptors, const SocketPair &sockets)
	: pipes_{makePipe(), makePipe()}, file_(makeFile()), sockets_(sockets)
{
	for (const Pipe &pipe : pipes_) {
		descriptors.keep(pipe.in);
		descriptors.keep(pipe.out);
	}
	descriptors.keep(file_);
	for (const support::Fd &socket : sockets_)
		descriptors.keep(socket);
}

void Plumbing::replacePipe(size_t number)
{
	/* The new ends get the old numbers, which are known to be kept. */
	const Pipe fresh = makePipe();
	if (dup3(fresh.in, pipes_[number].in, O_CLOEXEC) < 0 ||
	    dup3(fresh.out, pipes_[number].out, O_CLOEXEC) < 0)
		support::fail("dup3");
}

} /* namespace fuzz */
