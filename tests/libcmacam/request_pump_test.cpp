/* SPDX-License-Identifier: MIT */
/*
 * RequestPump: what the camera is asked for, and where frames and buffers go.
 */
#include "request_pump.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <libcamera/control_ids.h>

#include "camera_signals.h"
#include "session_fixture.h"

namespace cmacam {
namespace {

using libcamera::FrameMetadata;
using Outcome = RequestPump::Outcome;

/* The pump of a camera that has started, with a lock as the session has one. */
class RequestPumpTest : public SessionTest, protected CameraListener
{
protected:
	void start(const std::vector<Stream> &streams)
	{
		configure(streams);
		pump_.emplace(camera_);
		for (Stream which : streams) {
			pump_->queue(which).open(allocate(which));
			pump_->queue(which).setStream(configs_[which].stream());
		}
		listenTo(camera_, this);
		startCamera();
	}

	void startCamera()
	{
		ASSERT_EQ(camera_->start(), 0);

		std::lock_guard lock(mutex_);
		pump_->start();
		EXPECT_EQ(pump_->queueRequests(), 0);
	}

	void stop()
	{
		{
			std::lock_guard lock(mutex_);
			pump_->stop();
		}
		camera_->stop();
	}

	void TearDown() override
	{
		if (!pump_)
			return;
		stop();
		camera_->release();
		listenTo(camera_, nullptr);
		pump_->clear();
	}

	void requestCompleted(libcamera::Request *request) override
	{
		{
			std::lock_guard lock(mutex_);
			last_ = {};
			pump_->completed(request, last_);
			if (last_[Stream::Main].outcome != Outcome::Cancelled)
				pump_->queueRequests();
		}
		changed_.notify_all();
	}

	void cameraDisconnected() override {}

	/* The user of @which takes the oldest frame. */
	CompletedFrame take(Stream which)
	{
		std::lock_guard lock(mutex_);
		return pump_->queue(which).takeFrame();
	}

	void giveBack(Stream which, size_t buffer)
	{
		std::lock_guard lock(mutex_);
		pump_->giveBack(which, buffer);
		pump_->queueRequests();
	}

	std::mutex mutex_;
	std::condition_variable changed_;
	std::optional<RequestPump> pump_;
	/* Of the last request that came back. */
	PerStream<RequestPump::Completion> last_;
};

TEST_F(RequestPumpTest, ARequestAsksForAFrameOfEachStream)
{
	start({Stream::Main, Stream::Lores});
	EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers);

	fake_.finish(0);
	for (Stream which : kStreams) {
		ASSERT_TRUE(last_[which].frame);
		EXPECT_TRUE(last_[which].delivered);
	}
	const CompletedFrame main = take(Stream::Main);
	const CompletedFrame lores = take(Stream::Lores);
	EXPECT_EQ(main.sequence, lores.sequence);
	EXPECT_EQ(main.slot, lores.slot);
}

TEST_F(RequestPumpTest, APictureWithoutABufferHoldsNoFrameUp)
{
	start({Stream::Main, Stream::Lores});
	{
		std::lock_guard lock(mutex_);
		StreamQueue &pictures = pump_->queue(Stream::Main);
		pictures.setOnDemand(true);
		for (unsigned int i = 0; i <= FakeCamera::kBuffers; i++)
			pictures.want();
		ASSERT_TRUE(pictures.takesPart() && !pictures.hasFree());
	}
	fake_.finish(0);
	giveBack(Stream::Lores, take(Stream::Lores).buffer);
	EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers);
	EXPECT_EQ(fake_.buffersOfNewest(), 1U);
}

TEST_F(RequestPumpTest, AFrameTellsHowItWasExposed)
{
	using std::chrono::microseconds;

	start({Stream::Main});
	fake_.finish(0);
	fake_.finish(4);
	take(Stream::Main);

	const CompletedFrame frame = take(Stream::Main);
	EXPECT_EQ(frame.sequence, 4U);
	EXPECT_EQ(frame.lost, 3U);
	EXPECT_EQ(frame.timestamp, 4000);
	EXPECT_EQ(frame.wallClock, 8000);
	EXPECT_EQ(frame.exposure, microseconds(7));
	EXPECT_EQ(frame.duration, microseconds(40000));
	EXPECT_EQ(frame.analogueGain, 1.5);
	EXPECT_EQ(frame.digitalGain, 1);
	EXPECT_EQ(frame.aeState, AeState::Converged);
}

TEST_F(RequestPumpTest, TheCameraHasNoMoreRequestsThanBuffers)
{
	start({Stream::Main});
	std::vector<CompletedFrame> held;
	for (uint32_t i = 0; i < FakeCamera::kBuffers; i++) {
		fake_.finish(i);
		held.push_back(take(Stream::Main));
		EXPECT_EQ(held.back().sequence, i);
		EXPECT_EQ(held.back().timestamp, 1000U * i);
	}
	EXPECT_EQ(fake_.requests(), 0U);

	giveBack(Stream::Main, held[2].buffer);
	giveBack(Stream::Main, held[0].buffer);
	EXPECT_EQ(fake_.requests(), 2U);
	fake_.finish(9);
	EXPECT_EQ(take(Stream::Main).buffer, held[2].buffer) << "the first to come back";
}

TEST_F(RequestPumpTest, ABufferThatComesBackTwiceGoesOutOnce)
{
	start({Stream::Main});
	fake_.finish(0);
	const CompletedFrame frame = take(Stream::Main);
	giveBack(Stream::Main, frame.buffer);
	giveBack(Stream::Main, frame.buffer);
	giveBack(Stream::Main, 99);
	EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers);
	EXPECT_FALSE(pump_->queue(Stream::Main).hasFree());
}

TEST_F(RequestPumpTest, WhatTheCameraRefusesGoesOutLater)
{
	start({Stream::Main, Stream::Lores});
	stop();
	fake_.run([] {}); /* all requests are back */

	libcamera::ControlList controls(libcamera::controls::controls);
	controls.set(libcamera::controls::Brightness, 0.5f);
	{
		std::lock_guard lock(mutex_);
		pump_->setControls(controls);
		pump_->start();
		EXPECT_EQ(pump_->queueRequests(), -EACCES) << "the camera does not run";
		for (Stream which : kStreams)
			EXPECT_EQ(pump_->queue(which).underWay(), 0U);
		EXPECT_EQ(pump_->underWay(), 0U);
	}

	startCamera();
	EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers);
	fake_.run([&] { EXPECT_EQ(fake_.controls.get(libcamera::controls::Brightness), 0.5f); });
	fake_.finish(0);
	EXPECT_EQ(take(Stream::Main).sequence, 0U);
	EXPECT_EQ(take(Stream::Lores).sequence, 0U);
}

/* Only once the camera is about to run dry. */
TEST_F(RequestPumpTest, AStreamWhoseBuffersAreOnTheirWayIsWaitedFor)
{
	start({Stream::Main, Stream::Lores});
	for (uint32_t i = 0; i < 2; i++) {
		fake_.finish(i);
		giveBack(Stream::Main, take(Stream::Main).buffer);
	}
	EXPECT_EQ(fake_.requests(), 2U);

	fake_.finish(2);
	giveBack(Stream::Main, take(Stream::Main).buffer);
	EXPECT_EQ(fake_.requests(), 2U) << "main alone, for lores keeps its frames";
	fake_.finish(3);
	fake_.finish(4);
	EXPECT_FALSE(last_[Stream::Lores].frame);
	EXPECT_TRUE(last_[Stream::Main].frame);
}

TEST_F(RequestPumpTest, TiedStreamsHaveABufferEachOrNone)
{
	start({Stream::Main, Stream::Lores});
	pump_->setTied(true);
	std::optional<CompletedFrame> lores;
	for (uint32_t i = 0; i < FakeCamera::kBuffers; i++) {
		fake_.finish(i);
		giveBack(Stream::Main, take(Stream::Main).buffer);
		lores = take(Stream::Lores);
	}
	EXPECT_EQ(fake_.requests(), 0U);
	giveBack(Stream::Lores, lores->buffer);
	EXPECT_EQ(fake_.requests(), 1U);
}

TEST_F(RequestPumpTest, AnErrorOfOneSpoilsBothThatAreTied)
{
	start({Stream::Main, Stream::Lores});
	pump_->setTied(true);
	for (Stream which : kStreams)
		pump_->queue(which).setDelivery({.damaged = false});
	fake_.finish(0, FrameMetadata::FrameSuccess, FrameMetadata::FrameError);
	for (Stream which : kStreams) {
		EXPECT_FALSE(last_[which].delivered);
		EXPECT_EQ(pump_->queue(which).counts().damaged, 1U);
	}
	EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers) << "their buffers are free again";
}

TEST_F(RequestPumpTest, GapsAreLostFrames)
{
	start({Stream::Main});
	fake_.finish(0);
	fake_.finish(3);
	EXPECT_EQ(last_[Stream::Main].frame->lost, 2U);
	EXPECT_EQ(pump_->queue(Stream::Main).counts().lost, 2U);
}

TEST_F(RequestPumpTest, TheNewestOnlySendsTheOldestBackToTheCamera)
{
	start({Stream::Main});
	pump_->queue(Stream::Main).setDelivery({.newestOnly = true});
	for (uint32_t i = 0; i < 10; i++)
		fake_.finish(i);
	EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers - 1);
	EXPECT_EQ(take(Stream::Main).sequence, 9U);
	EXPECT_EQ(pump_->queue(Stream::Main).counts().dropped, 9U);
}

TEST_F(RequestPumpTest, WhatAStopCancelsIsNoFrameAndNoFault)
{
	start({Stream::Main});
	fake_.finish(0);
	stop();
	EXPECT_EQ(last_[Stream::Main].outcome, Outcome::Good);
	EXPECT_FALSE(last_[Stream::Main].frame);
	EXPECT_EQ(pump_->underWay(), 0U);
	EXPECT_TRUE(pump_->queue(Stream::Main).hasFrame()) << "frames that wait stay";

	/* With all of its buffers but that of the frame. */
	ASSERT_EQ(camera_->start(), 0);
	pump_->start();
	EXPECT_EQ(pump_->queueRequests(), 0);
	EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers - 1);
}

TEST_F(RequestPumpTest, ACameraThatIsAboutToStopGetsNoRequest)
{
	start({Stream::Main});
	fake_.finish(0);
	const CompletedFrame frame = take(Stream::Main);
	pump_->stop();
	giveBack(Stream::Main, frame.buffer);
	EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers - 1);
}

TEST_F(RequestPumpTest, ARequestThatNobodyStoppedIsAFault)
{
	start({Stream::Main});
	fake_.cancel();
	EXPECT_EQ(last_[Stream::Main].outcome, Outcome::Cancelled);
	EXPECT_FALSE(last_[Stream::Main].frame);
}

TEST_F(RequestPumpTest, AnUnpluggedCameraTakesNoRequest)
{
	start({Stream::Main});
	fake_.finish(0);
	const CompletedFrame frame = take(Stream::Main);
	fake_.run([this] { fake_.unplug(); });
	EXPECT_EQ(last_[Stream::Main].outcome, Outcome::Cancelled);
	EXPECT_EQ(pump_->underWay(), 0U);

	pump_->giveBack(Stream::Main, frame.buffer);
	EXPECT_EQ(pump_->queueRequests(), -ENODEV);
}

/* Its stream has other buffers by now, and these must not hear of it. */
TEST_F(RequestPumpTest, ARequestThatComesBackLateIsNoFrame)
{
	start({Stream::Main});
	const std::weak_ptr<StreamBuffers> old = pump_->queue(Stream::Main).buffers();
	const auto fresh = StreamBuffers::import(old.lock()->fds(), *old.lock());
	{
		std::lock_guard lock(mutex_);
		pump_->dropBuffers(Stream::Main);
		pump_->queue(Stream::Main).open(fresh);
	}
	EXPECT_FALSE(old.expired()) << "the camera writes to them";

	for (size_t i = 0; i < FakeCamera::kBuffers; i++) {
		fake_.finish(0);
		EXPECT_FALSE(last_[Stream::Main].frame);
		EXPECT_EQ(last_[Stream::Main].outcome, Outcome::Good);
	}
	EXPECT_TRUE(old.expired());
	EXPECT_FALSE(pump_->queue(Stream::Main).hasFrame());
	EXPECT_EQ(fake_.requests(), FakeCamera::kBuffers) << "of the new buffers";
}

TEST_F(RequestPumpTest, ABufferOfAnEarlierConfigurationIsNotGivenToTheCamera)
{
	start({Stream::Main});
	fake_.finish(0);
	const CompletedFrame late = take(Stream::Main);
	{
		std::lock_guard lock(mutex_);
		const auto old = pump_->queue(Stream::Main).buffers();
		pump_->dropBuffers(Stream::Main);
		pump_->queue(Stream::Main).open(StreamBuffers::import(old->fds(), *old));
		pump_->queueRequests();
	}
	const size_t before = fake_.requests();
	giveBack(Stream::Main, late.buffer);
	EXPECT_EQ(fake_.requests(), before) << "the camera has one buffer twice";
}

TEST_F(RequestPumpTest, ForeignBuffersThatBringNoFrameAreRefused)
{
	start({Stream::Main});
	{
		std::lock_guard lock(mutex_);
		const auto own = pump_->queue(Stream::Main).buffers();
		pump_->dropBuffers(Stream::Main);
		pump_->queue(Stream::Main).open(StreamBuffers::import(own->fds(), *own));
	}
	for (size_t i = 0; i < FakeCamera::kBuffers; i++)
		fake_.finish(0);
	fake_.finish(1, FrameMetadata::FrameError);
	EXPECT_EQ(last_[Stream::Main].outcome, Outcome::Refused);
	EXPECT_FALSE(pump_->queue(Stream::Main).isOpen());
}

TEST_F(RequestPumpTest, MetadataStaysUntilTheLastFrameIsGivenBack)
{
	start({Stream::Main, Stream::Lores});
	fake_.finish(7);
	const CompletedFrame main = take(Stream::Main);
	const CompletedFrame lores = take(Stream::Lores);
	giveBack(Stream::Main, main.buffer);
	for (uint32_t i = 8; i < 20; i++) {
		fake_.finish(i);
		giveBack(Stream::Main, take(Stream::Main).buffer);
		if (last_[Stream::Lores].frame)
			giveBack(Stream::Lores, take(Stream::Lores).buffer);
	}
	EXPECT_EQ(lores.slot->metadata().get(libcamera::controls::SensorTimestamp), 7000);
}

TEST_F(RequestPumpTest, WhoAsksFirstDecidesTheTimeOfAFrame)
{
	start({Stream::Main});
	fake_.finish(0);
	const CompletedFrame frame = take(Stream::Main);
	const int clock = 0, another = 0;
	EXPECT_EQ(frame.slot->agreedTime(&clock, 100), 100U);
	EXPECT_EQ(frame.slot->agreedTime(&clock, 105), 100U);
	EXPECT_EQ(frame.slot->agreedTime(&another, 200), 200U);
}

TEST_F(RequestPumpTest, ControlsGoWithTheNextRequestAndOnce)
{
	using libcamera::controls::Brightness;

	start({Stream::Main});
	libcamera::ControlList controls(libcamera::controls::controls);
	controls.set(Brightness, 0.5F);
	pump_->setControls(controls);
	EXPECT_FALSE(fake_.controls.get(Brightness)) << "no request has gone since then";

	fake_.finish(0);
	giveBack(Stream::Main, take(Stream::Main).buffer);
	fake_.requests();
	EXPECT_EQ(fake_.controls.get(Brightness), 0.5F);

	fake_.controls.clear();
	fake_.finish(1);
	giveBack(Stream::Main, take(Stream::Main).buffer);
	fake_.requests();
	EXPECT_FALSE(fake_.controls.get(Brightness));
}

/* Two users, each at its own pace, and the camera's thread. */
TEST_F(RequestPumpTest, SeveralThreadsSeeEachFrameOnceAndInOrder)
{
	constexpr uint32_t kFrames = 300;
	PerStream<std::vector<uint32_t>> seen;
	bool end = false;

	start({Stream::Main, Stream::Lores});
	const auto use = [&](Stream which) {
		std::unique_lock lock(mutex_);
		StreamQueue &queue = pump_->queue(which);
		for (;;) {
			changed_.wait(lock, [&] { return end || queue.hasFrame(); });
			if (!queue.hasFrame())
				return;
			const CompletedFrame frame = queue.takeFrame();
			seen[which].push_back(frame.sequence);
			EXPECT_EQ(frame.lost,
				  frame.sequence - (seen[which].size() > 1
							    ? *(seen[which].end() - 2) + 1
							    : 0));
			lock.unlock();
			if (which == Stream::Lores)
				std::this_thread::yield();
			lock.lock();
			pump_->giveBack(which, frame.buffer);
			EXPECT_EQ(pump_->queueRequests(), 0);
			lock.unlock();
			changed_.notify_all();
			lock.lock();
		}
	};
	{
		std::jthread main(use, Stream::Main);
		std::jthread lores(use, Stream::Lores);
		for (uint32_t i = 0; i < kFrames; i++) {
			{
				std::unique_lock lock(mutex_);
				changed_.wait(lock, [this] { return pump_->underWay() > 0; });
			}
			fake_.finish(i);
		}
		{
			std::lock_guard lock(mutex_);
			end = true;
		}
		changed_.notify_all();
	}

	for (Stream which : kStreams) {
		StreamQueue &queue = pump_->queue(which);
		ASSERT_FALSE(seen[which].empty());
		EXPECT_TRUE(std::ranges::adjacent_find(seen[which], std::ranges::greater_equal()) ==
			    seen[which].end());
		EXPECT_EQ(queue.counts().lost + seen[which].size(), seen[which].back() + 1);
		while (queue.hasFree())
			queue.takeFree();
		EXPECT_EQ(queue.underWay(), FakeCamera::kBuffers)
			<< "none is missing or there twice";
	}
}

} /* namespace */
} /* namespace cmacam */
