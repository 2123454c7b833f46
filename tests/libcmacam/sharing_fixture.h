/* SPDX-License-Identifier: MIT */
/*
 * A FrameServer that shares a camera with three buffers, and readers of this
 * server.
 */

#pragma once

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>

#include <cmacam/sharing.h>

#include "fake_dma_buf.h"
#include "fake_source.h"
#include "packet_socket.h"
#include "share_protocol.h"

namespace share = cmacam::share;

inline constexpr std::chrono::seconds kLimit{20};

/*
 * Polls until the condition is true, and returns false after kLimit. Polling is necessary because
 * the server's threads do not signal their progress.
 */
inline bool becomes(const std::function<bool()> &condition)
{
	const auto end = std::chrono::steady_clock::now() + kLimit;
	while (!condition()) {
		if (std::chrono::steady_clock::now() > end)
			return false;
		std::this_thread::sleep_for(std::chrono::milliseconds(1));
	}
	return true;
}

inline cmacam::UniqueFd boundSocket(int type, const std::string &path)
{
	cmacam::UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
	sockaddr_un address{};
	address.sun_family = AF_UNIX;
	path.copy(address.sun_path, sizeof(address.sun_path) - 1);
	EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr *>(&address), sizeof(address)), 0)
		<< path;
	return fd;
}

/* Leaves a socket file at the path, as a server does that was killed. */
inline void leaveSocket(const std::string &path)
{
	boundSocket(SOCK_SEQPACKET, path);
}

template <typename Message>
void send(const cmacam::UniqueFd &socket, const Message &message)
{
	ASSERT_TRUE(cmacam::sendPacket(socket.get(), std::as_bytes(std::span(&message, 1))));
}

/* A packet that a test received. The test speaks the protocol itself, as a reader or a server. */
struct Heard
{
	share::Any message;
	std::size_t size = 0;
	std::size_t descriptors = 0;
};

inline Heard hear(const cmacam::UniqueFd &socket)
{
	Heard heard;
	pollfd polled{socket.get(), POLLIN, 0};
	EXPECT_EQ(poll(&polled, 1, static_cast<int>(std::chrono::milliseconds(kLimit).count())), 1);
	auto packet = cmacam::receivePacket(socket.get(),
					    std::as_writable_bytes(std::span(&heard.message, 1)));
	EXPECT_TRUE(packet);
	if (packet) {
		heard.size = packet->size;
		heard.descriptors = packet->descriptorCount;
	}
	return heard;
}

class SharingTest : public testing::Test
{
protected:
	SharingTest()
	{
		char pattern[] = "/tmp/cmacam-sharing-XXXXXX";
		folder = mkdtemp(pattern);
		options.path = folder + "/frames";
		options.buffers = FakeSource::kBuffers;
		options.reserve = 1;
		options.log = [this](const std::string &line) {
			std::lock_guard lock(mutex);
			told += line + "\n";
		};
	}
	~SharingTest() override
	{
		server.reset();
		std::filesystem::remove_all(folder);
	}

	void serve()
	{
		auto result = cmacam::FrameServer::listen(options);
		ASSERT_TRUE(result) << result.error().what;
		server.emplace(*std::move(result));
	}

	cmacam::FrameClient reader(unsigned int credits = 2)
	{
		auto result = cmacam::FrameClient::connect(options.path, credits);
		EXPECT_TRUE(result) << result.error().what;
		return *std::move(result);
	}

	cmacam::UniqueFd rawReader(unsigned int credits = 2)
	{
		cmacam::UniqueFd socket = *cmacam::connectTo(options.path);
		share::Hello hello;
		hello.credits = credits;
		send(socket, hello);
		EXPECT_EQ(hear(socket).message.header.type, share::Type::Welcome);
		return socket;
	}

	unsigned int publish(unsigned int buffer, std::uint32_t sequence)
	{
		auto count = server->publish({source, buffer, {sequence, 1000 + sequence}});
		EXPECT_TRUE(count) << count.error().what;
		return count ? *count : 0;
	}

	bool allBack()
	{
		return becomes([this] { return source->leases.holders().empty(); });
	}

	bool isTold(const std::string &text)
	{
		return becomes([&] {
			std::lock_guard lock(mutex);
			return told.find(text) != std::string::npos;
		});
	}

	/*
	 * Expects that the server sends a Farewell with this code to a raw reader, and then
	 * closes the connection. The Farewell's text must contain `reason`.
	 */
	void expectFarewell(const cmacam::UniqueFd &socket, int code, const std::string &reason)
	{
		const Heard farewell = hear(socket);
		ASSERT_EQ(farewell.size, sizeof(share::Farewell));
		EXPECT_EQ(farewell.message.header.type, share::Type::Farewell);
		EXPECT_EQ(farewell.message.farewell.code, code);
		EXPECT_NE(std::string(farewell.message.farewell.text).find(reason),
			  std::string::npos)
			<< farewell.message.farewell.text;
		EXPECT_EQ(hear(socket).size, 0U) << "the end";
	}

	FakeDmaBufs fake;
	std::shared_ptr<FakeSource> source = std::make_shared<FakeSource>();
	std::string folder;
	cmacam::ShareOptions options;
	std::mutex mutex;
	std::string told;
	std::optional<cmacam::FrameServer> server;
};
