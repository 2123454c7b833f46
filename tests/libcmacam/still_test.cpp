/* SPDX-License-Identifier: MIT */
/*
 * Camera::capture() with a camera without a board: stills beside the frames of next().
 */
#include <cerrno>
#include <chrono>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <cmacam/camera.h>
#include <gtest/gtest.h>

#include "session_fixture.h"

using namespace std::chrono_literals;

namespace cmacam {
namespace {

using Status = FakeCamera::Status;

constexpr auto kLimit = 20s;

class StillTest : public SessionTest
{
protected:
	using Still = std::future<Result<Frame>>;

	void SetUp() override
	{
		SessionTest::SetUp();
		Result<Camera> opened = Camera::open({.main = {"R8", 160, 120},
						      .still = StreamOptions{},
						      .policy = Policy::Block});
		ASSERT_TRUE(opened) << opened.error().what;
		user_.emplace(*std::move(opened));
		ASSERT_TRUE(user_->start());
	}

	/* The camera makes a frame, and the program takes it and gives it back. */
	void next(Status main = Status::FrameSuccess)
	{
		fake_.finish(sequence_, main);
		const Result<Frame> frame = user_->next();
		ASSERT_TRUE(frame) << frame.error().what;
		EXPECT_EQ(frame->sequence(), sequence_);
		EXPECT_EQ(frame->info().lost, 0U);
		sequence_++;
	}

	/* The program takes this number of frames and keeps them. */
	std::vector<Frame> hold(unsigned int count)
	{
		std::vector<Frame> held;
		while (held.size() < count) {
			fake_.finish(sequence_++);
			held.push_back(*user_->next());
		}
		return held;
	}

	/* Frames go on until @done; whether it came in time. */
	template <typename Done>
	bool nextUntil(const Done &done)
	{
		const auto end = std::chrono::steady_clock::now() + kLimit;
		while (!done() && !HasFatalFailure()) {
			if (std::chrono::steady_clock::now() > end)
				return false;
			next();
		}
		return !HasFatalFailure();
	}

	Still capture(std::chrono::milliseconds timeout = kLimit)
	{
		return std::async(std::launch::async,
				  [this, timeout] { return user_->capture(timeout); });
	}

	/* A capture() that waits: the camera has its request, which is the last one. */
	Still captureUnderWay()
	{
		Still still = capture();
		EXPECT_TRUE(nextUntil([this] { return fake_.buffersOfNewest() == 2; }));
		return still;
	}

	/* A whole still, while frames go on. */
	Result<Frame> take()
	{
		Still still = capture();
		EXPECT_TRUE(
			nextUntil([&] { return still.wait_for(0s) == std::future_status::ready; }));
		return still.get();
	}

	std::optional<Camera> user_;
	uint32_t sequence_ = 0;
};

TEST_F(StillTest, IsFullSizeAndTheFramesLoseNothing)
{
	EXPECT_EQ(user_->layout()->width, 160U);
	EXPECT_EQ(user_->buffers(), FakeCamera::kBuffers);
	for (int i = 0; i < 8; i++) {
		EXPECT_EQ(fake_.buffersOfNewest(), 1U) << "the camera makes stills for nobody";
		next();
	}

	/* More of them than there are buffers for stills. */
	for (int i = 0; i < 5; i++) {
		const uint32_t before = sequence_;
		const Result<Frame> still = take();
		ASSERT_TRUE(still) << still.error().what;
		EXPECT_GE(still->sequence(), before);
		EXPECT_LT(still->sequence(), sequence_)
			<< "next() had the frame of the same exposure";
		EXPECT_EQ(still->info().lost, 0U);
		EXPECT_EQ(still->exposure(), std::chrono::microseconds(3 + still->sequence()));
		const Result<const FrameLayout *> layout = still->layout();
		ASSERT_TRUE(layout);
		EXPECT_EQ((*layout)->width, 640U);
		EXPECT_EQ((*layout)->height, 480U);
		EXPECT_EQ(still->layout(Stream::Lores).error().code, ENOENT);
	}
	for (int i = 0; i < 8; i++)
		next();
	EXPECT_EQ(fake_.buffersOfNewest(), 1U);
	EXPECT_EQ(user_->statistics().lost, 0U);
}

TEST_F(StillTest, OfADamagedPictureAnotherOneIsTaken)
{
	Still still = captureUnderWay();
	for (unsigned int i = 1; i < FakeCamera::kBuffers; i++)
		next();
	next(Status::FrameError);
	const uint32_t damaged = sequence_ - 1;

	ASSERT_TRUE(nextUntil([&] { return still.wait_for(0s) == std::future_status::ready; }));
	const Result<Frame> taken = still.get();
	ASSERT_TRUE(taken) << taken.error().what;
	EXPECT_GT(taken->sequence(), damaged);
	EXPECT_EQ(user_->statistics().damaged, 0U) << "the frame beside it was good";
}

/* The camera has no buffer for the frames any more: nothing is taken away from them. */
TEST_F(StillTest, NeedsNoBufferOfNext)
{
	const std::vector<Frame> held = hold(FakeCamera::kBuffers);
	ASSERT_EQ(fake_.requests(), 0U);

	Still still = capture();
	const auto end = std::chrono::steady_clock::now() + kLimit;
	while (fake_.requests() == 0 && std::chrono::steady_clock::now() < end)
		std::this_thread::yield();
	EXPECT_EQ(fake_.buffersOfNewest(), 1U);
	fake_.finish(sequence_++);
	const Result<Frame> taken = still.get();
	ASSERT_TRUE(taken) << taken.error().what;
	EXPECT_EQ((*taken->layout())->width, 640U);
}

/* A request of its own would be before the next frame, which the camera would then lose. */
TEST_F(StillTest, WaitsForABufferOfNextWhileTheCameraHasOthers)
{
	const std::vector<Frame> held = hold(FakeCamera::kBuffers - 1);
	ASSERT_EQ(fake_.requests(), 1U);
	EXPECT_EQ(user_->capture(1ms).error().code, ETIMEDOUT);
	EXPECT_EQ(fake_.requests(), 1U);
}

TEST_F(StillTest, HoldersOfAllBuffersAreNamed)
{
	Result<Frame> first = take();
	const Result<Frame> second = take();
	ASSERT_TRUE(first && second);
	first->hold("printer");
	EXPECT_EQ(user_->holders().size(), 2U);

	const Error error = user_->capture(1ms).error();
	EXPECT_EQ(error.code, EBUSY);
	EXPECT_TRUE(error.what.starts_with("no still within 1 ms, the camera has none of its 2 "
					   "buffers for stills: printer holds 1 buffer"))
		<< error.what;
	next();

	first->release();
	EXPECT_TRUE(take());
}

TEST_F(StillTest, OnePictureIsForOneCaller)
{
	Still one = capture(), two = capture();
	const auto ready = [](const Still &still) {
		return still.wait_for(0s) == std::future_status::ready;
	};
	ASSERT_TRUE(nextUntil([&] { return ready(one) && ready(two); }));
	const Result<Frame> first = one.get(), second = two.get();
	ASSERT_TRUE(first && second);
	EXPECT_NE(first->sequence(), second->sequence());
	EXPECT_NE(first->buffer(), second->buffer());
}

TEST_F(StillTest, NoStillInTimeIsATimeout)
{
	EXPECT_EQ(user_->capture(1ms).error().code, ETIMEDOUT);
	for (unsigned int i = 0; i < 2 * FakeCamera::kBuffers; i++)
		next();
	EXPECT_EQ(fake_.buffersOfNewest(), 1U) << "nobody waits for it any more";
}

TEST_F(StillTest, AStopEndsTheWait)
{
	Still still = captureUnderWay();
	ASSERT_TRUE(user_->stop());
	const Error stopped = still.get().error();
	EXPECT_EQ(stopped.code, EPERM);
	EXPECT_EQ(stopped.what, "the camera was stopped");
	EXPECT_EQ(user_->capture(1ms).error().what, "the camera was not started");

	ASSERT_TRUE(user_->start());
	sequence_ = 0;
	EXPECT_EQ(fake_.buffersOfNewest(), 1U);
	EXPECT_TRUE(take());
}

TEST_F(StillTest, CloseEndsTheWaitAndAStillKeepsItsPixels)
{
	const Result<Frame> kept = take();
	ASSERT_TRUE(kept);
	Still still = captureUnderWay();
	user_->close();
	EXPECT_EQ(still.get().error().code, EPERM);
	EXPECT_EQ(user_->capture(1ms).error().what, "the camera was closed");
	EXPECT_TRUE(kept->layout());
	EXPECT_FALSE(kept->exposure()) << "the requests ended with the camera";
}

TEST_F(StillTest, AnUnplugEndsTheWait)
{
	Still still = captureUnderWay();
	fake_.run([this] { fake_.unplug(); });
	const Error gone = still.get().error();
	EXPECT_EQ(gone.code, ENODEV);
	EXPECT_EQ(gone.what, "the camera was unplugged");
}

TEST_F(StillTest, WithoutTheOptionTheErrorNamesIt)
{
	user_.reset();
	Result<Camera> opened = Camera::open({.main = {"R8", 160, 120}});
	ASSERT_TRUE(opened) << opened.error().what;
	user_.emplace(*std::move(opened));
	ASSERT_TRUE(user_->start());
	const Error error = user_->capture().error();
	EXPECT_EQ(error.code, ENOENT);
	EXPECT_NE(error.what.find("CameraOptions::still"), std::string::npos) << error.what;
}

TEST_F(StillTest, StillsAndLoresExcludeEachOther)
{
	user_.reset();
	const Result<Camera> opened =
		Camera::open({.lores = {"R8", 160, 120}, .still = StreamOptions{}});
	ASSERT_FALSE(opened);
	EXPECT_EQ(opened.error().code, EINVAL);
}

/* Whoever comes next has the two streams as ever. */
TEST_F(StillTest, LeavesNothingBehind)
{
	user_.reset();
	Result<Camera> opened = Camera::open({.lores = {"R8", 160, 120}});
	ASSERT_TRUE(opened) << opened.error().what;
	ASSERT_TRUE(opened->start());
	EXPECT_EQ(fake_.buffersOfNewest(), 2U);
	fake_.finish(0);
	EXPECT_TRUE(opened->next());
}

} /* namespace */
} /* namespace cmacam */
