/* SPDX-License-Identifier: MIT */
/*
 * What servers and readers may say to each other: versions, limits, readers that are
 * rude and servers that are.
 */

#include <cerrno>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sharing_fixture.h"

using cmacam::FrameClient;
using cmacam::FrameServer;
using cmacam::UniqueFd;
using std::chrono::milliseconds;

TEST_F(SharingTest, OtherVersionsPartPolitely)
{
	serve();
	const UniqueFd socket = *cmacam::connectTo(options.path);
	share::Hello hello;
	hello.credits = 1;
	hello.header.version = 99;
	send(socket, hello);
	expectFarewell(socket, EPROTO, "speaks version 2, the reader speaks version 99");

	/* And the other way round. */
	server.reset();
	const auto listening = cmacam::listenAt(options.path, 0600);
	ASSERT_TRUE(listening) << listening.error().what;
	std::jthread future([&] {
		pollfd polled{listening->fd.get(), POLLIN, 0};
		poll(&polled, 1, -1);
		const UniqueFd peer(accept(listening->fd.get(), nullptr, nullptr));
		share::Welcome welcome;
		welcome.header.version = 99;
		welcome.credits = 1;
		welcome.buffers = 1;
		send(peer, welcome);
		hear(peer);
	});
	const auto refused = FrameClient::connect(options.path);
	EXPECT_EQ(refused.error().code, EPROTO);
	EXPECT_NE(refused.error().what.find("version 99"), std::string::npos);
}

TEST_F(SharingTest, RudeReadersAreLetGoAndOthersServed)
{
	serve();
	FrameClient polite = reader(1);

	{
		SCOPED_TRACE("no message");
		const UniqueFd raw = *cmacam::connectTo(options.path);
		send(raw, std::uint64_t{0x1234});
		expectFarewell(raw, EPROTO, "not a message");
	}
	{
		SCOPED_TRACE("too long");
		const UniqueFd raw = rawReader();
		send(raw, std::array<char, 5000>{});
		expectFarewell(raw, EPROTO, "");
	}
	{
		SCOPED_TRACE("a return before the hello");
		const UniqueFd raw = *cmacam::connectTo(options.path);
		share::Return back;
		back.buffer = back.serial = 0;
		send(raw, back);
		expectFarewell(raw, EPROTO, "is not expected here");
	}
	{
		SCOPED_TRACE("a second hello");
		const UniqueFd raw = rawReader();
		send(raw, share::Hello{.credits = 1});
		expectFarewell(raw, EPROTO, "is not expected here");
	}
	{
		SCOPED_TRACE("a return of what it does not hold");
		const UniqueFd raw = rawReader();
		publish(0, 0);
		ASSERT_TRUE(polite.next());
		hear(raw);
		const Heard frame = hear(raw);
		share::Return back;
		back.buffer = 0;
		back.serial = frame.message.frame.serial + 1;
		send(raw, back);
		expectFarewell(raw, EPROTO, "returned buffer 0, which it does not hold");
		EXPECT_TRUE(allBack()) << "what it did hold";
	}

	publish(0, 1);
	EXPECT_EQ(polite.next()->sequence(), 1U);
}

TEST_F(SharingTest, ThereIsRoomForSoMany)
{
	options.readers = 2;
	serve();
	FrameClient first = reader();

	FrameClient second = reader();
	const auto third = FrameClient::connect(options.path);
	EXPECT_EQ(third.error().code, EUSERS) << third.error().what;

	/* Who does not say hello is no reader, but there may be few of them. */
	std::vector<UniqueFd> silent;
	for (int i = 0; i < 9; i++)
		silent.push_back(*cmacam::connectTo(options.path));
	expectFarewell(silent[0], ETIMEDOUT, "did not send a hello");
	EXPECT_EQ(publish(0, 0), 2U);
}

TEST_F(SharingTest, CreditsAreAtMostThoseOfTheServer)
{
	serve();
	EXPECT_EQ(reader(100).credits(), 2U);
	EXPECT_EQ(reader(0).credits(), 1U);
}

TEST_F(SharingTest, OneServerPerSocket)
{
	options.mode = 0660;
	serve();
	struct stat status{};
	ASSERT_EQ(stat(options.path.c_str(), &status), 0);
	EXPECT_EQ(status.st_mode & 0777, 0660U);
	EXPECT_EQ(FrameServer::listen(options).error().code, EADDRINUSE);
	EXPECT_TRUE(FrameClient::connect(options.path)) << "the first was not disturbed";

	server.reset();
	EXPECT_FALSE(std::filesystem::exists(options.path));
	leaveSocket(options.path);
	EXPECT_EQ(FrameClient::connect(options.path).error().code, ECONNREFUSED);
	serve();
}

TEST_F(SharingTest, OptionsThatLendNothing)
{
	options.reserve = options.buffers;
	EXPECT_EQ(FrameServer::listen(options).error().code, EINVAL);
	options.path = std::string(200, 'x');
	options.reserve = 0;
	EXPECT_EQ(FrameServer::listen(options).error().code, ENAMETOOLONG);
}

TEST_F(SharingTest, BuffersOfAnotherCameraAreRefused)
{
	options.buffers = 2;
	serve();
	publish(0, 0);
	EXPECT_EQ(server->publish({source, 2, {1, 0}}).error().code, EINVAL);
	source = std::make_shared<FakeSource>();
	EXPECT_EQ(server->publish({source, 0, {1, 0}}).error().code, EINVAL);
}

TEST_F(SharingTest, ServersThatTalkNonsense)
{
	const auto listening = cmacam::listenAt(options.path, 0600);
	ASSERT_TRUE(listening) << listening.error().what;
	const UniqueFd memory = FakeDmaBufs::create(64);

	share::Buffer good;
	good.buffer = 0;
	good.format = cmacam::formatInfo(cmacam::PixelFormat::Gray8).drm;
	good.width = good.height = 8;
	good.planeCount = 1;
	good.planes[0] = {0, 64, 8, 0};

	const auto meets = [&](const auto &message, bool descriptor) {
		std::jthread server([&] {
			pollfd polled{listening->fd.get(), POLLIN, 0};
			poll(&polled, 1, -1);
			const UniqueFd peer(accept(listening->fd.get(), nullptr, nullptr));
			hear(peer);
			share::Welcome welcome;
			welcome.credits = welcome.buffers = 1;
			send(peer, welcome);
			const int fd = memory.get();
			static_cast<void>(cmacam::sendPacket(peer.get(),
							     std::as_bytes(std::span(&message, 1)),
							     std::span(&fd, descriptor ? 1 : 0)));
			/* Until the reader has gone. */
			hear(peer);
		});
		auto client = FrameClient::connect(options.path);
		EXPECT_TRUE(client);
		return client->next(milliseconds(500)).error().code;
	};

	EXPECT_EQ(meets(good, true), ETIMEDOUT) << "a good buffer, and then no frame";
	EXPECT_EQ(meets(good, false), EPROTO) << "no descriptor";

	share::Buffer bad = good;
	bad.buffer = 7;
	EXPECT_EQ(meets(bad, true), EPROTO) << "no such buffer";
	bad = good;
	bad.format = 1;
	EXPECT_EQ(meets(bad, true), EPROTO) << "no such format";
	bad = good;
	bad.height = 9;
	EXPECT_EQ(meets(bad, true), EINVAL) << "beyond the dma-buf";

	share::Frame frame;
	frame.buffer = 0;
	EXPECT_EQ(meets(frame, false), EPROTO) << "a frame in a buffer that was not announced";
	EXPECT_EQ(meets(std::uint64_t{1}, false), EPROTO) << "no message";
}
