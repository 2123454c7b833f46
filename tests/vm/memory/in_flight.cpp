/* SPDX-License-Identifier: MIT */
#include "in_flight.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

void spliceInto(int pipe, std::span<const std::byte> bytes)
{
	EXPECT_GE(fcntl(pipe, F_SETPIPE_SZ, wholePages(bytes.size())), 0) << because();
	iovec vector{const_cast<std::byte *>(bytes.data()), bytes.size()};
	EXPECT_EQ(vmsplice(pipe, &vector, 1, 0), ssize_t(bytes.size())) << because();
}

InFlight InFlight::inPipe(std::span<const std::byte> bytes)
{
	int ends[2];
	EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0) << because();
	Fd out(ends[0]);
	const Fd in(ends[1]);
	spliceInto(in, bytes);
	return InFlight(std::move(out));
}

InFlight InFlight::inSocket(std::span<const std::byte> bytes)
{
	const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	/* Little room at the receiver, so that most of the frame waits in the sender's queue. */
	const int little = 32 << 10;
	EXPECT_EQ(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)), 0);
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t length = sizeof(address);
	auto *name = reinterpret_cast<sockaddr *>(&address);
	EXPECT_EQ(bind(listener, name, length), 0) << because();
	EXPECT_EQ(listen(listener, 1), 0) << because();
	EXPECT_EQ(getsockname(listener, name, &length), 0) << because();

	const Fd out(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	const int on = 1;
	const int room = 4 * bytes.size();
	EXPECT_EQ(setsockopt(out, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)), 0) << because();
	EXPECT_EQ(setsockopt(out, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)), 0) << because();
	EXPECT_EQ(connect(out, name, length), 0) << because();
	Fd in(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
	EXPECT_EQ(send(out, bytes.data(), bytes.size(), MSG_ZEROCOPY | MSG_DONTWAIT),
		  ssize_t(bytes.size()))
		<< because();
	return InFlight(std::move(in));
}

Bytes InFlight::arrive(size_t size)
{
	/* Of no meaning to a pipe; a socket's peer would wait for a timer with each little window.
	 */
	const int room = 2 * size;
	setsockopt(end_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));

	Bytes bytes(size);
	for (size_t have = 0; have < size;) {
		const ssize_t got = read(end_, bytes.data() + have, size - have);
		EXPECT_GT(got, 0) << because();
		if (got <= 0)
			break;
		have += got;
	}
	return bytes;
}
