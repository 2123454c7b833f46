/* SPDX-License-Identifier: MIT */
/*
 * Frames lent to readers: what they see, credits, readers that are slow, dead or
 * rude, and servers that are.
 */

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <mutex>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <cmacam/sharing.h>

#include "fake_dma_buf.h"
#include "fake_source.h"
#include "packet_socket.h"
#include "share_protocol.h"

using cmacam::Frame;
using cmacam::FrameClient;
using cmacam::FrameServer;
using cmacam::ShareOptions;
using cmacam::UniqueFd;
using std::chrono::milliseconds;
namespace share = cmacam::share;

namespace {

constexpr std::chrono::seconds kLimit{20};
constexpr milliseconds kNow{0};

/* What a thread of the server does has no signal to wait for. */
bool becomes(const std::function<bool()> &condition)
{
	const auto end = std::chrono::steady_clock::now() + kLimit;
	while (!condition()) {
		if (std::chrono::steady_clock::now() > end)
			return false;
		std::this_thread::sleep_for(milliseconds(1));
	}
	return true;
}

template <typename Message>
void send(const UniqueFd &socket, const Message &message)
{
	ASSERT_TRUE(cmacam::sendPacket(socket.get(), std::as_bytes(std::span(&message, 1))));
}

/* A reader, or a server, that knows the protocol by heart. */
struct Heard
{
	share::Any message;
	std::size_t size = 0;
	std::size_t descriptors = 0;
};

Heard hear(const UniqueFd &socket)
{
	Heard heard;
	pollfd polled{socket.get(), POLLIN, 0};
	EXPECT_EQ(poll(&polled, 1, static_cast<int>(milliseconds(kLimit).count())), 1);
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
		auto result = FrameServer::listen(options);
		ASSERT_TRUE(result) << result.error().what;
		server.emplace(*std::move(result));
	}

	FrameClient reader(unsigned int credits = 2)
	{
		auto result = FrameClient::connect(options.path, credits);
		EXPECT_TRUE(result) << result.error().what;
		return *std::move(result);
	}

	UniqueFd rawReader(unsigned int credits = 2)
	{
		UniqueFd socket = *cmacam::connectTo(options.path);
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

	/* The server says goodbye to a raw reader, with this in its reason. */
	void expectFarewell(const UniqueFd &socket, int code, const std::string &reason)
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
	ShareOptions options;
	std::mutex mutex;
	std::string told;
	std::optional<FrameServer> server;
};

} /* namespace */

TEST_F(SharingTest, ReadersSeeTheBuffersThemselves)
{
	serve();
	FrameClient client = reader();
	EXPECT_EQ(client.credits(), 2U);
	EXPECT_EQ(publish(1, 41), 1U);

	auto frame = client.next();
	ASSERT_TRUE(frame) << frame.error().what;
	EXPECT_EQ(frame->sequence(), 41U);
	EXPECT_EQ(frame->timestamp(), 1041);
	auto pixels = frame->map();
	ASSERT_TRUE(pixels) << pixels.error().what;
	EXPECT_EQ(pixels->width(), FakeSource::kWidth);
	EXPECT_EQ(pixels->nv12()->chroma.line(3)[5],
		  static_cast<std::byte>((FakeSource::kStride * (FakeSource::kHeight + 3) + 5) %
					 251));

	/* What the camera writes next, the reader sees: it is one memory. */
	auto written = source->mapping(1, cmacam::Stream::Main, cmacam::Access::ReadWrite);
	(*written)->begin()->writable(0)[7] = std::byte{0xaa};
	EXPECT_EQ(pixels->planes()[0].data[7], std::byte{0xaa});

	EXPECT_EQ(source->leases.holders()[0].name, "reader " + std::to_string(getpid()));
	ASSERT_TRUE(pixels->end());
	frame->release();
	EXPECT_TRUE(allBack());
	EXPECT_EQ(client.next(kNow).error().code, ETIMEDOUT);
}

TEST_F(SharingTest, DescriptorsAreSentOnce)
{
	serve();
	const UniqueFd raw = rawReader();

	for (std::uint32_t sequence = 0; sequence < 3; sequence++) {
		publish(0, sequence);
		if (!sequence) {
			const Heard buffer = hear(raw);
			EXPECT_EQ(buffer.message.header.type, share::Type::Buffer);
			EXPECT_EQ(buffer.descriptors, 1U) << "two planes, one dma-buf";
		}
		const Heard frame = hear(raw);
		ASSERT_EQ(frame.message.header.type, share::Type::Frame);
		EXPECT_EQ(frame.descriptors, 0U);
		EXPECT_EQ(frame.message.frame.sequence, sequence);

		share::Return back;
		back.buffer = 0;
		back.serial = frame.message.frame.serial;
		send(raw, back);
		EXPECT_TRUE(allBack());
	}
}

TEST_F(SharingTest, WhoNeverReadsHoldsItsCreditsAndNoMore)
{
	options.patience = 0;
	serve();
	const UniqueFd silent = rawReader(2);
	FrameClient client = reader(1);

	for (std::uint32_t i = 0; i < 100; i++) {
		publish(i % 2, i);
		auto frame = client.next();
		ASSERT_TRUE(frame) << frame.error().what;
		EXPECT_EQ(frame->sequence(), i);
		frame->release();
		ASSERT_TRUE(becomes([&] { return server->readers()[1].held == 0; }));
	}
	const auto readers = server->readers();
	EXPECT_EQ(readers[0].held, 2U);
	EXPECT_EQ(readers[0].missed, 98U);
	EXPECT_EQ(readers[1].missed, 0U);
	EXPECT_EQ(source->returned[2], 0U) << "the camera's, never published";
}

TEST_F(SharingTest, WhoHoldsTooLongIsLetGo)
{
	options.patience = 5;
	serve();
	FrameClient client = reader();
	publish(0, 0);
	publish(1, 1);
	auto first = client.next();
	auto second = client.next();
	ASSERT_TRUE(first && second);
	first->hold("a slow thing");
	const auto busy = client.next(kNow);
	EXPECT_EQ(busy.error().code, EBUSY);
	EXPECT_NE(busy.error().what.find("a slow thing holds 1 buffer (frame 0"), std::string::npos)
		<< busy.error().what;

	for (std::uint32_t i = 2; i < 6; i++)
		EXPECT_EQ(publish(2, i), 0U);
	EXPECT_EQ(source->leases.holders().size(), 2U);
	publish(2, 6);
	EXPECT_TRUE(source->leases.holders().empty()) << "taken back at once";

	const auto error = client.next().error();
	EXPECT_EQ(error.code, ECONNRESET);
	EXPECT_NE(error.what.find("held 2 frames while 5 went by"), std::string::npos)
		<< error.what;
	EXPECT_TRUE(becomes([this] { return server->readers().empty(); }));
}

TEST_F(SharingTest, ReturningInTimeEndsTheCount)
{
	options.patience = 3;
	serve();
	FrameClient client = reader(1);
	for (std::uint32_t i = 0; i < 20; i += 3) {
		publish(0, i);
		auto frame = client.next();
		ASSERT_TRUE(frame) << i << frame.error().what;
		publish(1, i + 1);
		publish(1, i + 2);
		frame->release();
		ASSERT_TRUE(allBack());
	}
	EXPECT_EQ(server->readers()[0].missed, 14U);
}

TEST_F(SharingTest, SomeBuffersAreNeverLent)
{
	options.reserve = 2;
	options.patience = 0;
	serve();
	FrameClient slow = reader();
	FrameClient quick = reader();

	EXPECT_EQ(publish(0, 0), 2U);
	auto held = slow.next();
	ASSERT_TRUE(held);
	ASSERT_TRUE(quick.next());
	ASSERT_TRUE(becomes([this] { return server->readers()[1].held == 0; }));

	EXPECT_EQ(publish(1, 1), 0U) << "one of three may be lent, and is";
	EXPECT_EQ(publish(0, 2), 2U) << "that one";
	ASSERT_TRUE(quick.next());
	EXPECT_EQ(quick.missed(), 1U);
	held->release();
	ASSERT_TRUE(slow.next());
	ASSERT_TRUE(allBack());
	EXPECT_EQ(publish(1, 3), 2U);
}

TEST_F(SharingTest, AKilledReaderGivesBackWhatItHeld)
{
	serve();
	int ready[2];
	ASSERT_EQ(pipe(ready), 0);
	const pid_t child = fork();
	if (child == 0) {
		auto client = FrameClient::connect(options.path, 2);
		if (!client)
			_exit(1);
		char byte = 'c';
		static_cast<void>(!write(ready[1], &byte, 1));
		auto first = client->next(kLimit);
		auto second = client->next(kLimit);
		byte = first && second ? 'h' : 'x';
		static_cast<void>(!write(ready[1], &byte, 1));
		pause();
		_exit(1);
	}
	char byte = 0;
	ASSERT_EQ(read(ready[0], &byte, 1), 1);
	ASSERT_EQ(byte, 'c');
	publish(0, 0);
	publish(1, 1);
	ASSERT_EQ(read(ready[0], &byte, 1), 1);
	ASSERT_EQ(byte, 'h');
	EXPECT_EQ(source->leases.holders().size(), 2U);

	kill(child, SIGKILL);
	ASSERT_EQ(waitpid(child, nullptr, 0), child);
	EXPECT_TRUE(allBack());
	EXPECT_TRUE(isTold("reader " + std::to_string(child) + " has gone"));
	close(ready[0]);
	close(ready[1]);
}

TEST_F(SharingTest, OtherVersionsPartPolitely)
{
	serve();
	const UniqueFd socket = *cmacam::connectTo(options.path);
	share::Hello hello;
	hello.credits = 1;
	hello.header.version = 99;
	send(socket, hello);
	expectFarewell(socket, EPROTO, "speaks version 1, the reader 99");

	/* And the other way round. */
	server.reset();
	const UniqueFd listening = *cmacam::listenAt(options.path, 0600);
	std::jthread future([&] {
		pollfd polled{listening.get(), POLLIN, 0};
		poll(&polled, 1, -1);
		const UniqueFd peer(accept(listening.get(), nullptr, nullptr));
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
		expectFarewell(raw, EPROTO, "no message");
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
		expectFarewell(raw, EPROTO, "does not belong here");
	}
	{
		SCOPED_TRACE("a second hello");
		const UniqueFd raw = rawReader();
		send(raw, share::Hello{.credits = 1});
		expectFarewell(raw, EPROTO, "does not belong here");
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
	expectFarewell(silent[0], ETIMEDOUT, "had not said hello");
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
	{
		/* As if it had been killed: the socket stays. */
		const UniqueFd left = *cmacam::listenAt(options.path, 0600);
	}
	EXPECT_TRUE(std::filesystem::exists(options.path));
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

TEST_F(SharingTest, FramesOutliveTheServer)
{
	serve();
	FrameClient client = reader();
	publish(0, 5);
	auto frame = client.next();
	ASSERT_TRUE(frame);
	server.reset();
	EXPECT_TRUE(source->leases.holders().empty());

	const auto error = client.next().error();
	EXPECT_EQ(error.code, ECONNRESET) << error.what;
	ASSERT_TRUE(frame->map());
	frame->release();
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
	const UniqueFd listening = *cmacam::listenAt(options.path, 0600);
	const UniqueFd memory = FakeDmaBufs::create(64);

	share::Buffer good;
	good.buffer = 0;
	good.format = cmacam::formatInfo(cmacam::PixelFormat::Gray8).drm;
	good.width = good.height = 8;
	good.planeCount = 1;
	good.planes[0] = {0, 64, 8, 0};

	const auto meets = [&](const auto &message, bool descriptor) {
		std::jthread server([&] {
			pollfd polled{listening.get(), POLLIN, 0};
			poll(&polled, 1, -1);
			const UniqueFd peer(accept(listening.get(), nullptr, nullptr));
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
