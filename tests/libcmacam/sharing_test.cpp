/* SPDX-License-Identifier: MIT */
/*
 * Frames lent to readers: what they see, credits, and readers that are slow or dead.
 */

#include <cerrno>
#include <chrono>
#include <csignal>
#include <future>
#include <sys/wait.h>
#include <unistd.h>

#include "sharing_fixture.h"

using cmacam::FrameClient;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kNow{0};

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

TEST_F(SharingTest, ReadersKnowHowAFrameWasExposed)
{
	using std::chrono::microseconds;

	const cmacam::FrameInfo sent = {
		.sequence = 9,
		.timestamp = 77,
		.lost = 3,
		.aeState = cmacam::AeState::Converged,
		.wallClock = 1'700'000'000'000'000'001,
		.exposure = microseconds(9999),
		.duration = microseconds(33333),
		.analogueGain = 1.5,
		.digitalGain = 2,
		.bracket = 4,
	};
	serve();
	FrameClient client = reader();
	ASSERT_TRUE(server->publish({source, 0, sent}));
	auto frame = client.next();
	ASSERT_TRUE(frame) << frame.error().what;

	const cmacam::FrameInfo &info = frame->info();
	EXPECT_EQ(info.sequence, sent.sequence);
	EXPECT_EQ(info.timestamp, sent.timestamp);
	EXPECT_EQ(info.lost, sent.lost);
	EXPECT_EQ(info.aeState, sent.aeState);
	EXPECT_EQ(info.wallClock, sent.wallClock);
	EXPECT_EQ(info.exposure, sent.exposure);
	EXPECT_EQ(info.duration, sent.duration);
	EXPECT_EQ(info.analogueGain, sent.analogueGain);
	EXPECT_EQ(info.digitalGain, sent.digitalGain);
	EXPECT_EQ(info.bracket, sent.bracket);

	using Value = cmacam::ControlValue;
	EXPECT_EQ(frame->metadata("ExposureTime"), Value(std::int64_t{9999}));
	EXPECT_EQ(frame->metadata("FrameDuration"), Value(std::int64_t{33333}));
	EXPECT_EQ(frame->metadata("AnalogueGain"), Value(1.5));
	EXPECT_EQ(frame->metadata("DigitalGain"), Value(2.0));
	EXPECT_EQ(frame->metadata("AeState"), Value(std::int64_t{2}));
	EXPECT_EQ(frame->metadata("FrameWallClock"), Value(sent.wallClock));

	publish(1, 10);
	auto unknown = client.next();
	ASSERT_TRUE(unknown);
	EXPECT_FALSE(unknown->metadata("ExposureTime")) << "not reported, so not told";
	EXPECT_EQ(frame->info().exposure, sent.exposure) << "another frame came meanwhile";
}

TEST_F(SharingTest, AStateThatDoesNotExistIsIdle)
{
	share::Frame message;
	message.setInfo({});
	message.aeState = 3;
	EXPECT_EQ(message.info().aeState, cmacam::AeState::Idle);
}

TEST_F(SharingTest, DescriptorsAreSentOnce)
{
	serve();
	const cmacam::UniqueFd raw = rawReader();

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
	const cmacam::UniqueFd silent = rawReader(2);
	FrameClient client = reader(1);

	for (std::uint32_t i = 0; i < 100; i++) {
		/* A camera does not fill the buffer that the silent reader holds. */
		publish(i ? 1 + i % 2 : 0, i);
		auto frame = client.next();
		ASSERT_TRUE(frame) << frame.error().what;
		EXPECT_EQ(frame->sequence(), i);
		frame->release();
		ASSERT_TRUE(becomes([&] { return server->readers()[1].held == 0; }));
	}
	const auto readers = server->readers();
	EXPECT_EQ(readers[0].held, 1U) << "the last of two buffers is for who holds none";
	EXPECT_EQ(readers[0].missed, 99U);
	EXPECT_EQ(readers[1].missed, 0U);
	EXPECT_EQ(source->returned[0], 0U) << "the frame that nobody returned";
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
	EXPECT_NE(error.what.find("held 2 frames and missed 5 in a row"), std::string::npos)
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
	EXPECT_EQ(publish(0, 2), 1U) << "that one, to the reader that holds nothing";
	ASSERT_TRUE(quick.next());
	EXPECT_EQ(quick.missed(), 1U);
	held->release();
	ASSERT_TRUE(allBack());
	EXPECT_EQ(publish(1, 3), 2U);
	ASSERT_TRUE(slow.next());
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
	EXPECT_TRUE(isTold("reader " + std::to_string(child) + " has disconnected"));
	close(ready[0]);
	close(ready[1]);
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

TEST_F(SharingTest, ReadersAreToldWhyItWasClosed)
{
	serve();
	FrameClient client = reader();
	publish(0, 5);
	auto frame = client.next();
	ASSERT_TRUE(frame);
	server->close("the camera was unplugged");
	EXPECT_TRUE(source->leases.holders().empty());
	EXPECT_TRUE(server->readers().empty());
	EXPECT_EQ(server->publish({source, 0, {6, 0}}).error().code, EPERM);

	const auto error = client.next().error();
	EXPECT_EQ(error.code, ECONNRESET);
	EXPECT_NE(error.what.find("the camera was unplugged"), std::string::npos) << error.what;
	EXPECT_TRUE(frame->map()) << "what it held stays";
	EXPECT_EQ(FrameClient::connect(options.path).error().code, ENOENT);
}

TEST_F(SharingTest, CloseEndsAReaderThatWaits)
{
	serve();
	FrameClient client = reader(1);
	publish(0, 0);
	const auto held = client.next();
	ASSERT_TRUE(held) << held.error().what;

	auto first = std::async(std::launch::async, [&] { return client.next(kLimit * 10); });
	auto second = std::async(std::launch::async, [&] { return client.next(kLimit * 10); });
	client.close();
	for (auto *waiting : {&first, &second}) {
		ASSERT_EQ(waiting->wait_for(kLimit), std::future_status::ready);
		EXPECT_EQ(waiting->get().error().code, EPERM);
	}
	EXPECT_EQ(client.next().error().code, EPERM);
	EXPECT_TRUE(held->map()) << "a frame outlives its client";
}

TEST_F(SharingTest, TheFdOfAReaderIsReadableWhileSomethingWaits)
{
	const auto isReadable = [](int fd) {
		pollfd polled{fd, POLLIN, 0};
		return poll(&polled, 1, 0) == 1;
	};
	serve();
	FrameClient client = reader(1);
	const auto fd = client.fd();
	ASSERT_TRUE(fd) << fd.error().what;
	EXPECT_EQ(*client.fd(), *fd);
	EXPECT_FALSE(isReadable(*fd));

	publish(0, 0);
	ASSERT_TRUE(becomes([&] { return isReadable(*fd); }));
	ASSERT_TRUE(client.next());
	EXPECT_FALSE(isReadable(*fd));
	client.close();
	EXPECT_TRUE(isReadable(*fd));
}
