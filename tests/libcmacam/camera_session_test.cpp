/* SPDX-License-Identifier: MIT */
/*
 * CameraSession with a camera without a board: unplugging it, and the streams of two users.
 */
#include "camera_session.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <latch>
#include <thread>
#include <vector>

#include <sys/sysmacros.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <libcamera/control_ids.h>

#include "open_stream.h"
#include "session_fixture.h"

using namespace std::chrono_literals;

namespace cmacam {
namespace {

class CameraSessionTest : public SessionTest
{
protected:
	/* A stream in any format that the camera chooses, started. */
	std::shared_ptr<CameraSession> start(Stream which)
	{
		auto session = openStream({}, which);
		EXPECT_TRUE(session) << session.error().what;
		const Result<void> configured = (*session)->configure(which, StreamSettings{});
		EXPECT_TRUE(configured) << configured.error().what;
		const Result<void> started = (*session)->start(
			which, libcamera::ControlList(libcamera::controls::controls));
		EXPECT_TRUE(started) << started.error().what;
		return *std::move(session);
	}
};

/*
 * libcamera's thread is about to unplug the camera while a user gives a buffer
 * back: the message with that request comes after the end of the camera.
 */
class LateRequestTest : public CameraSessionTest
{
protected:
	void SetUp() override
	{
		CameraSessionTest::SetUp();
		session_ = start(Stream::Main);
		buffers_ = session_->buffers(Stream::Main);
		fake_.finish(0);
		CompletedFrame frame;
		ASSERT_EQ(session_->waitFrame(Stream::Main, frame), CameraSession::Wait::Frame);

		std::latch busy{1};
		fake_.post([this, &busy] {
			busy.count_down();
			queued_.wait();
			fake_.unplug();
			mayGoOn_.wait();
		});
		busy.wait();
		session_->queue(Stream::Main, frame.buffer);
		queued_.count_down();
		ASSERT_EQ(session_->waitFrame(Stream::Main, frame), CameraSession::Wait::Lost);
		ASSERT_EQ(session_->lostError().code, ENODEV);
	}

	std::latch queued_{1};
	std::latch mayGoOn_{1};
	std::shared_ptr<CameraSession> session_;
	std::weak_ptr<const StreamBuffers> buffers_;
};

/* The handler completes no request of a camera that has gone. */
TEST_F(LateRequestTest, IsNotWaitedForWhenTheSessionEnds)
{
	mayGoOn_.count_down();
	const auto begin = std::chrono::steady_clock::now();
	session_.reset();
	EXPECT_LT(std::chrono::steady_clock::now() - begin, 500ms);
}

TEST_F(LateRequestTest, FindsItsBuffersThere)
{
	std::atomic<bool> came = false, intact = false;
	fake_.lateRequest = [&] {
		intact = !buffers_.expired();
		came = true;
	};

	auto end = std::async(std::launch::async, [this] { session_.reset(); });
	EXPECT_EQ(end.wait_for(100ms), std::future_status::timeout)
		<< "the session has ended although libcamera has a request of it";
	mayGoOn_.count_down();
	end.wait();
	EXPECT_TRUE(came);
	EXPECT_TRUE(intact);
	EXPECT_TRUE(buffers_.expired());
}

TEST_F(CameraSessionTest, WhoWaitsLearnsThatTheCameraHasGone)
{
	const auto session = start(Stream::Main);
	auto waiting = std::async(std::launch::async, [&] {
		CompletedFrame frame;
		return session->waitFrame(Stream::Main, frame);
	});
	EXPECT_EQ(waiting.wait_for(50ms), std::future_status::timeout);
	fake_.run([this] { fake_.unplug(); });
	EXPECT_EQ(waiting.get(), CameraSession::Wait::Lost);
	EXPECT_TRUE(session->isLost());
	EXPECT_EQ(session->lostError().code, ENODEV);

	const auto again = openStream(FakeCamera::kId, Stream::Lores);
	ASSERT_FALSE(again);
	EXPECT_EQ(again.error().code, ENODEV);
}

TEST_F(CameraSessionTest, FramesThatWaitCanBeTakenFromACameraThatHasGone)
{
	const auto session = start(Stream::Main);
	fake_.finish(0);
	fake_.run([this] { fake_.unplug(); });
	CompletedFrame frame;
	EXPECT_EQ(session->waitFrame(Stream::Main, frame), CameraSession::Wait::Frame);
	EXPECT_EQ(session->waitFrame(Stream::Main, frame), CameraSession::Wait::Lost);
}

TEST_F(CameraSessionTest, ACancelledRequestIsOneFrameLess)
{
	const auto session = start(Stream::Main);
	CompletedFrame frame;

	for (uint32_t sequence = 0; sequence < 3 * CameraSession::kMostCancelled; sequence += 2) {
		fake_.cancel();
		EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers) << "its buffer is queued again";
		fake_.finish(sequence);
		ASSERT_EQ(session->waitFrame(Stream::Main, frame), CameraSession::Wait::Frame);
		EXPECT_EQ(frame.sequence, sequence);
		EXPECT_EQ(frame.lost, sequence ? 1U : 0U);
		session->queue(Stream::Main, frame.buffer);
	}
	EXPECT_FALSE(session->isLost());
}

/* It is not told from a dead one by the first request, but does not keep its user for ever. */
TEST_F(CameraSessionTest, ACameraThatCancelsEveryRequestHasFailedAndIsNotUnplugged)
{
	const auto session = start(Stream::Main);
	CompletedFrame frame;

	for (unsigned int i = 0; i < CameraSession::kMostCancelled; i++) {
		EXPECT_FALSE(session->isLost());
		fake_.cancel();
	}
	EXPECT_TRUE(session->isLost());
	EXPECT_EQ(session->waitFrame(Stream::Main, frame), CameraSession::Wait::Lost);
	EXPECT_EQ(session->lostError().code, EIO);
	EXPECT_EQ(session->lostError().what.find("unplugged"), std::string::npos)
		<< session->lostError().what;

	session->stop(Stream::Main);
	ASSERT_TRUE(session->start(Stream::Main,
				   libcamera::ControlList(libcamera::controls::controls)));
	fake_.finish(0);
	EXPECT_EQ(session->waitFrame(Stream::Main, frame), CameraSession::Wait::Frame);
}

/* Where udev does not run, nobody reports the unplug. */
class CameraWithoutNodesTest : public CameraSessionTest
{
protected:
	/* No driver has this number, which is above those that the kernel gives. */
	CameraWithoutNodesTest() { fake_.devices = {static_cast<int64_t>(makedev(4000, 1))}; }
};

TEST_F(CameraWithoutNodesTest, IsUnpluggedEvenIfLibcameraIsSilent)
{
	if (access("/sys/dev/char", F_OK) < 0)
		GTEST_SKIP() << "there is no /sys here";

	const auto session = start(Stream::Main);
	CompletedFrame frame;

	for (unsigned int i = 0; i < CameraSession::kMostCancelled; i++)
		fake_.cancel();
	EXPECT_EQ(session->waitFrame(Stream::Main, frame), CameraSession::Wait::Lost);
	EXPECT_EQ(session->lostError().code, ENODEV);
}

/* A pipeline that is stopped meanwhile is not to wait for the news, nor to report an error. */
TEST_F(CameraSessionTest, FlushingEndsTheWaitForTheReasonOfALoss)
{
	const auto session = start(Stream::Main);
	auto waiting = std::async(std::launch::async, [&] {
		CompletedFrame frame;
		return session->waitFrame(Stream::Main, frame);
	});

	for (unsigned int i = 0; i < CameraSession::kMostCancelled; i++)
		fake_.cancel();
	session->setFlushing(Stream::Main, true);
	EXPECT_EQ(waiting.get(), CameraSession::Wait::Flushing);
}

TEST_F(CameraSessionTest, FlushingEndsTheWait)
{
	const auto session = start(Stream::Main);
	auto waiting = std::async(std::launch::async, [&] {
		CompletedFrame frame;
		return session->waitFrame(Stream::Main, frame);
	});
	EXPECT_EQ(waiting.wait_for(50ms), std::future_status::timeout);
	session->setFlushing(Stream::Main, true);
	EXPECT_EQ(waiting.get(), CameraSession::Wait::Flushing);
}

TEST_F(CameraSessionTest, FramesOfAPauseGoBackToTheCamera)
{
	const auto session = start(Stream::Main);
	fake_.finish(0);
	fake_.finish(1);
	session->setPaused(Stream::Main, true);
	EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers) << "with those that waited";
	fake_.finish(2);
	EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers);

	session->setPaused(Stream::Main, false);
	fake_.finish(3);
	CompletedFrame frame;
	ASSERT_EQ(session->waitFrame(Stream::Main, frame), CameraSession::Wait::Frame);
	EXPECT_EQ(frame.sequence, 3U);
	EXPECT_TRUE(frame.discontinuous);
}

TEST_F(CameraSessionTest, ACameraHasOneSessionAndAStreamOneUser)
{
	const auto main = start(Stream::Main);
	const auto lores = openStream({}, Stream::Lores);
	ASSERT_TRUE(lores);
	EXPECT_EQ(main.get(), lores->get());

	const auto second = openStream({}, Stream::Main);
	ASSERT_FALSE(second);
	EXPECT_EQ(second.error().code, EBUSY);
	const auto unknown = openStream("another camera", Stream::Main);
	ASSERT_FALSE(unknown);
	EXPECT_EQ(unknown.error().code, ENODEV);
	EXPECT_NE(unknown.error().what.find(FakeCamera::kId), std::string::npos);
}

TEST_F(CameraSessionTest, AStreamThatComesLetsTheOtherGoOn)
{
	const auto main = start(Stream::Main);
	fake_.finish(0);
	{
		const auto lores = start(Stream::Lores);
		fake_.finish(0);
		CompletedFrame frame;
		EXPECT_EQ(lores->waitFrame(Stream::Lores, frame), CameraSession::Wait::Frame);
		EXPECT_EQ(main->waitFrame(Stream::Main, frame), CameraSession::Wait::Frame);
		EXPECT_EQ(main->waitFrame(Stream::Main, frame), CameraSession::Wait::Frame);
		EXPECT_TRUE(frame.discontinuous);
		EXPECT_EQ(frame.lost, 0U);
	}
	EXPECT_EQ(fake_.requests(), 2U) << "for main, whose user has two frames";
}

TEST_F(CameraSessionTest, ControlsAreInForceAfterEachStart)
{
	using libcamera::controls::Brightness;

	const auto session = start(Stream::Main);
	libcamera::ControlList controls(libcamera::controls::controls);
	controls.set(Brightness, 0.5F);
	session->setControls(controls);
	session->stop(Stream::Main);
	ASSERT_TRUE(session->start(Stream::Main,
				   libcamera::ControlList(libcamera::controls::controls)));
	EXPECT_EQ(fake_.controls.get(Brightness), 0.5F);
}

/* Frames, pauses and flushes at any moment, with the camera unplugged in between. */
TEST_F(CameraSessionTest, SeveralThreadsAndAnUnplug)
{
	const auto main = start(Stream::Main);
	const auto lores = start(Stream::Lores);
	PerStream<std::atomic<unsigned int>> frames{};
	const auto use = [&](Stream which) {
		CompletedFrame frame;
		for (;;) {
			switch (main->waitFrame(which, frame)) {
			case CameraSession::Wait::Frame:
				frames[which]++;
				main->queue(which, frame.buffer);
				break;
			case CameraSession::Wait::Flushing:
				std::this_thread::yield();
				break;
			default:
				return;
			}
		}
	};
	std::jthread one(use, Stream::Main), two(use, Stream::Lores);
	std::jthread disturber([&](const std::stop_token &stop) {
		for (bool on = true; !stop.stop_requested(); on = !on) {
			main->setPaused(Stream::Main, on);
			main->setFlushing(Stream::Lores, on);
			std::this_thread::sleep_for(1ms);
		}
		main->setFlushing(Stream::Lores, false);
	});

	for (uint32_t sequence = 0; frames[Stream::Main] < 100 || frames[Stream::Lores] < 100;)
		fake_.run([&] { sequence += fake_.tryFinish(sequence) ? 1 : 0; });
	fake_.run([this] { fake_.unplug(); });
	one.join();
	disturber.request_stop();
	disturber.join();
	two.join();
	EXPECT_TRUE(main->isLost());
}

} /* namespace */
} /* namespace cmacam */
