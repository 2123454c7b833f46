/* SPDX-License-Identifier: MIT */
/*
 * The client (QEMU) side of a vfio-user connection, for tests of the server.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <gtest/gtest.h>

#include "vfio_user/protocol.h"

namespace cmacam::board::vfio_user {

struct Reply
{
	Header header{};
	std::vector<std::byte> payload;

	uint32_t error() const { return header.flags & kError ? header.error : 0; }
	template <typename T>
	T as() const
	{
		T value{};
		EXPECT_GE(payload.size(), sizeof(T));
		if (payload.size() >= sizeof(T))
			std::memcpy(&value, payload.data(), sizeof(T));
		return value;
	}
};

template <typename... T>
inline std::vector<std::byte> bytes(const T &...values)
{
	std::vector<std::byte> result;
	const auto append = [&](const auto &value) {
		const auto view = std::as_bytes(std::span(&value, 1));
		result.insert(result.end(), view.begin(), view.end());
	};
	(append(values), ...);
	return result;
}

/* A vfio-user client, which takes QEMU's place at the socket. */
class Client
{
public:
	explicit Client(UniqueFd fd) : fd_(std::move(fd)) {}

	uint16_t send(uint16_t command, std::vector<std::byte> payload = {},
		      std::vector<int> fds = {}, uint32_t flags = 0)
	{
		const Header header = {++id_, command,
				       static_cast<uint32_t>(sizeof(Header) + payload.size()),
				       flags, 0};
		auto message = bytes(header);
		message.insert(message.end(), payload.begin(), payload.end());
		sendRaw(message, fds);
		return id_;
	}
	void sendRaw(std::span<const std::byte> message, const std::vector<int> &fds = {})
	{
		alignas(cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))]{};
		iovec vector = {const_cast<std::byte *>(message.data()), message.size()};
		msghdr header{};
		header.msg_iov = &vector;
		header.msg_iovlen = 1;
		if (!fds.empty()) {
			header.msg_control = control;
			header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
			cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
			cmsg->cmsg_level = SOL_SOCKET;
			cmsg->cmsg_type = SCM_RIGHTS;
			cmsg->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
			std::memcpy(CMSG_DATA(cmsg), fds.data(), fds.size() * sizeof(int));
		}
		EXPECT_EQ(sendmsg(fd_.get(), &header, MSG_NOSIGNAL),
			  static_cast<ssize_t>(message.size()));
	}

	std::optional<Reply> receive()
	{
		Reply reply;
		if (!readAll(&reply.header, sizeof(reply.header)))
			return std::nullopt;
		reply.payload.resize(reply.header.size - sizeof(reply.header));
		if (!readAll(reply.payload.data(), reply.payload.size()))
			return std::nullopt;
		return reply;
	}
	Reply ask(Command command, std::vector<std::byte> payload = {}, std::vector<int> fds = {})
	{
		return askCode(static_cast<uint16_t>(command), std::move(payload), std::move(fds));
	}
	Reply askCode(uint16_t command, std::vector<std::byte> payload = {},
		      std::vector<int> fds = {})
	{
		const uint16_t id = send(command, std::move(payload), std::move(fds));
		const auto reply = receive();
		EXPECT_TRUE(reply);
		EXPECT_EQ(reply->header.id, id);
		EXPECT_EQ(reply->header.command, command);
		EXPECT_EQ(reply->header.flags & kTypeMask, uint32_t{kTypeReply});
		return *reply;
	}
	void hangUp() { fd_.reset(); }

private:
	bool readAll(void *data, std::size_t size)
	{
		return !size ||
		       recv(fd_.get(), data, size, MSG_WAITALL) == static_cast<ssize_t>(size);
	}

	UniqueFd fd_;
	uint16_t id_ = 0;
};

} /* namespace cmacam::board::vfio_user */
