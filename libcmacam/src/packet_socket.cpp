/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets with file descriptors over Unix sockets.
 */

#include "packet_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>

#include "errno_error.h"

namespace cmacam {

namespace {

#ifdef SO_PASSRIGHTS
constexpr int kPassRights = SO_PASSRIGHTS;
#else
/* As on all architectures but PA-RISC and SPARC. */
constexpr int kPassRights = 83;
#endif

Result<sockaddr_un> addressOf(const std::string &path)
{
	sockaddr_un address{};
	address.sun_family = AF_UNIX;
	if (path.empty() || path.size() >= sizeof(address.sun_path))
		return Error{ENAMETOOLONG, "the path of a socket must have 1 to " +
						   std::to_string(sizeof(address.sun_path) - 1) +
						   " bytes: '" + path + "'"};
	path.copy(address.sun_path, path.size());

	return address;
}

int newSocket()
{
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int connectSocket(int fd, const sockaddr_un &address)
{
	return connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof(address));
}

Result<std::size_t> receive(int socket, msghdr *message)
{
	ssize_t ret;
	do {
		ret = recvmsg(socket, message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return fromErrno("cannot receive a message");

	return static_cast<std::size_t>(ret);
}

Error tooLong()
{
	return {EMSGSIZE, "a message is longer than the protocol allows"};
}

} /* namespace */

Result<ListeningSocket> listenAt(const std::string &path, mode_t mode)
{
	const Result<sockaddr_un> address = addressOf(path);
	if (!address)
		return address.error();

	UniqueFd fd(newSocket());
	if (!fd.isValid())
		return fromErrno("cannot make a socket");

	/*
	 * The sockets of accept() inherit it. An older kernel does not know the option, and
	 * delivers descriptors, which receiveBytes() does not take.
	 */
	const int off = 0;
	static_cast<void>(setsockopt(fd.get(), SOL_SOCKET, kPassRights, &off, sizeof(off)));

	/* Nobody else from the first moment on, then whom the caller wants. */
	if (fchmod(fd.get(), 0600) < 0)
		return fromErrno("cannot make a socket");
	try {
		SocketPath name(fd.get(), *address);
		if (chmod(path.c_str(), mode) < 0 || listen(fd.get(), SOMAXCONN) < 0)
			return fromErrno("cannot listen at " + path);
		return ListeningSocket{std::move(fd), std::move(name)};
	} catch (const std::system_error &error) {
		return Error{error.code().value(), error.what()};
	}
}

Result<UniqueFd> connectTo(const std::string &path)
{
	const Result<sockaddr_un> address = addressOf(path);
	if (!address)
		return address.error();

	UniqueFd fd(newSocket());
	if (!fd.isValid())
		return fromErrno("cannot make a socket");
	if (connectSocket(fd.get(), *address) < 0)
		return fromErrno("cannot connect to " + path);

	return fd;
}

Result<void> sendPacket(int socket, std::span<const std::byte> bytes,
			std::span<const int> descriptors)
{
	iovec vector{const_cast<std::byte *>(bytes.data()), bytes.size()};
	alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxPlanes * sizeof(int))> control{};

	msghdr message{};
	message.msg_iov = &vector;
	message.msg_iovlen = 1;
	if (!descriptors.empty()) {
		message.msg_control = control.data();
		message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
		cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
		std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
	}

	ssize_t ret;
	do {
		ret = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return fromErrno("cannot send a message");

	return {};
}

Result<std::size_t> receiveBytes(int socket, std::span<std::byte> bytes)
{
	iovec vector{bytes.data(), bytes.size()};
	msghdr message{};
	message.msg_iov = &vector;
	message.msg_iovlen = 1;

	const Result<std::size_t> size = receive(socket, &message);
	if (!size)
		return size;
	if (message.msg_flags & MSG_CTRUNC)
		return Error{EBADMSG, "a message has file descriptors, which the protocol does "
				      "not allow here"};
	if (message.msg_flags & MSG_TRUNC)
		return tooLong();

	return size;
}

Result<Packet> receivePacket(int socket, std::span<std::byte> bytes)
{
	iovec vector{bytes.data(), bytes.size()};
	alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxPlanes * sizeof(int))> control{};

	msghdr message{};
	message.msg_iov = &vector;
	message.msg_iovlen = 1;
	message.msg_control = control.data();
	message.msg_controllen = control.size();

	const Result<std::size_t> size = receive(socket, &message);
	if (!size)
		return size.error();

	Packet packet;
	packet.size = *size;
	for (cmsghdr *header = CMSG_FIRSTHDR(&message); header;
	     header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;

		std::array<int, kMaxPlanes> received{};
		const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		std::memcpy(received.data(), CMSG_DATA(header), count * sizeof(int));
		for (int fd : std::span(received).first(count))
			packet.descriptors[packet.descriptorCount++] = UniqueFd(fd);
	}
	/* There was room in the message for more, so there was none in the process. */
	if (message.msg_flags & MSG_CTRUNC && packet.descriptorCount < kMaxPlanes)
		return Error{EMFILE, "this process has no file descriptor left for a buffer"};
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return tooLong();

	return packet;
}

} /* namespace cmacam */
