/* SPDX-License-Identifier: MIT */
/*
 * Camera in event loops, with a camera without a board: the file descriptor, the
 * function for frames, several threads in next().
 */
#include <cerrno>
#include <chrono>
#include <future>
#include <poll.h>
#include <set>
#include <vector>

#include <cmacam/camera.h>
#include <gtest/gtest.h>
#include <libcamera/control_ids.h>

#include "session_fixture.h"

using namespace std::chrono_literals;

namespace cmacam {
namespace {

class CameraEventsTest : public SessionTest
{
protected:
	static Camera open(CameraOptions options = {})
	{
		Result<Camera> camera = Camera::open(options);
		EXPECT_TRUE(camera) << camera.error().what;
		return *std::move(camera);
	}

	static Camera started()
	{
		Camera camera = open();
		const Result<void> result = camera.start();
		EXPECT_TRUE(result) << result.error().what;
		return camera;
	}

	static int fdOf(Camera &camera)
	{
		const Result<int> fd = camera.fd();
		EXPECT_TRUE(fd) << fd.error().what;
		return fd ? *fd : -1;
	}

	static bool isReadable(int fd, std::chrono::milliseconds within = 0ms)
	{
		pollfd polled{fd, POLLIN, 0};
		return poll(&polled, 1, static_cast<int>(within.count())) == 1;
	}
};

TEST_F(CameraEventsTest, TheFdIsReadableWhileAFrameWaits)
{
	Camera camera = started();
	const int fd = fdOf(camera);
	EXPECT_EQ(fdOf(camera), fd);
	EXPECT_FALSE(isReadable(fd));

	fake_.finish(0);
	EXPECT_TRUE(isReadable(fd));
	EXPECT_TRUE(isReadable(fd)) << "a level, no edge";
	ASSERT_TRUE(camera.next(0ms));
	EXPECT_FALSE(isReadable(fd));
	EXPECT_EQ(camera.next(0ms).error().code, ETIMEDOUT);
}

TEST_F(CameraEventsTest, TheFdOfACameraWithAFrameIsReadableAtOnce)
{
	Camera camera = started();
	fake_.finish(0);
	EXPECT_TRUE(isReadable(fdOf(camera)));
}

TEST_F(CameraEventsTest, TheFdStaysReadableUntilTheLastFrameIsTaken)
{
	CameraOptions options;
	options.policy = Policy::Block;
	Camera camera = open(options);
	ASSERT_TRUE(camera.start());
	const int fd = fdOf(camera);

	fake_.finish(0);
	fake_.finish(1);
	ASSERT_TRUE(camera.next(0ms));
	EXPECT_TRUE(isReadable(fd));
	ASSERT_TRUE(camera.next(0ms));
	EXPECT_FALSE(isReadable(fd));
}

TEST_F(CameraEventsTest, TheFdIsReadableAsLongAsNextFails)
{
	Camera camera = open();
	const int fd = fdOf(camera);
	EXPECT_TRUE(isReadable(fd));
	ASSERT_TRUE(camera.start());
	EXPECT_FALSE(isReadable(fd));

	ASSERT_TRUE(camera.stop());
	EXPECT_TRUE(isReadable(fd));
	ASSERT_TRUE(camera.start());
	EXPECT_FALSE(isReadable(fd));

	camera.close();
	EXPECT_TRUE(isReadable(fd));
	EXPECT_EQ(camera.next(0ms).error().code, EPERM);
}

TEST_F(CameraEventsTest, TheFdIsReadableAfterTheUnplug)
{
	Camera camera = started();
	const int fd = fdOf(camera);

	fake_.run([this] { fake_.unplug(); });
	EXPECT_TRUE(isReadable(fd, 5s));
	EXPECT_EQ(camera.next(5s).error().code, ENODEV);
	EXPECT_TRUE(isReadable(fd));
}

TEST_F(CameraEventsTest, CloseEndsAPoll)
{
	Camera camera = started();
	const int fd = fdOf(camera);
	auto polled = std::async(std::launch::async, [fd] { return isReadable(fd, 60s); });
	camera.close();
	ASSERT_EQ(polled.wait_for(5s), std::future_status::ready);
	EXPECT_TRUE(polled.get());
}

TEST_F(CameraEventsTest, EveryThreadInNextGetsAFrameOfItsOwn)
{
	constexpr unsigned int kThreads = 3;
	Camera camera = started();
	std::vector<std::future<Result<Frame>>> waiting;

	for (unsigned int i = 0; i < kThreads; i++)
		waiting.push_back(std::async(std::launch::async, [&] { return camera.next(60s); }));
	/* A frame that no thread has taken yet may be replaced by the next one. */
	std::set<uint32_t> taken;
	uint32_t sequence = 0;
	for (auto &one : waiting) {
		while (one.wait_for(10ms) != std::future_status::ready)
			if (fake_.requests())
				fake_.finish(sequence++);
		const Result<Frame> frame = one.get();
		ASSERT_TRUE(frame) << frame.error().what;
		EXPECT_TRUE(taken.insert(frame->sequence()).second) << frame->sequence();
	}
}

TEST_F(CameraEventsTest, AStarvedProgramIsToldHowManyBuffersItNeeds)
{
	Camera camera = started();
	std::vector<Frame> held;
	for (uint32_t i = 0; i < FakeCamera::kBuffers; i++) {
		fake_.finish(i);
		Result<Frame> frame = camera.next(0ms);
		ASSERT_TRUE(frame) << frame.error().what;
		held.push_back(*std::move(frame));
	}

	const Error error = camera.next(10ms).error();
	EXPECT_EQ(error.code, EBUSY);
	EXPECT_TRUE(error.what.ends_with(
		"; a program that holds 4 frames while it waits needs buffers=5 or more"))
		<< error.what;
}

TEST_F(CameraEventsTest, TheFunctionGetsTheFramesAndTheEnd)
{
	Camera camera = open();
	std::promise<uint32_t> first;
	std::promise<Error> end;
	const Result<void> started = camera.start([&](Result<Frame> frame) {
		if (frame)
			first.set_value(frame->sequence());
		else
			end.set_value(frame.error());
	});
	ASSERT_TRUE(started) << started.error().what;
	EXPECT_EQ(camera.start([](const Result<Frame> &) {}).error().code, EBUSY);

	fake_.finish(0);
	auto frame = first.get_future();
	ASSERT_EQ(frame.wait_for(5s), std::future_status::ready);
	EXPECT_EQ(frame.get(), 0U);

	ASSERT_TRUE(camera.stop());
	auto error = end.get_future();
	ASSERT_EQ(error.wait_for(0s), std::future_status::ready) << "stop() did not wait";
	EXPECT_EQ(error.get().code, EPERM);
}

TEST_F(CameraEventsTest, TheFunctionMayStopItsCamera)
{
	Camera camera = open();
	std::promise<bool> stopped;
	ASSERT_TRUE(camera.start([&](const Result<Frame> &frame) {
		if (frame)
			stopped.set_value(static_cast<bool>(camera.stop()));
	}));
	fake_.finish(0);
	auto result = stopped.get_future();
	ASSERT_EQ(result.wait_for(5s), std::future_status::ready);
	EXPECT_TRUE(result.get());
	EXPECT_TRUE(camera.start());
}

TEST_F(CameraEventsTest, ControlsAreSetTogetherOrNotAtAll)
{
	Camera camera = started();
	const std::vector<NamedValue> wrong = {{"Brightness", 0.5}, {"Flash", true}};
	EXPECT_EQ(camera.set(wrong).error().code, ENOENT);
	fake_.finish(0);
	ASSERT_TRUE(camera.next(0ms));
	EXPECT_FALSE(fake_.controls.contains(libcamera::controls::BRIGHTNESS));

	const std::vector<NamedValue> right = {{"Brightness", 0.5}};
	ASSERT_TRUE(camera.set(right));
}

} /* namespace */
} /* namespace cmacam */
