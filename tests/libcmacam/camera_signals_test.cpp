/* SPDX-License-Identifier: MIT */
/*
 * Signals of libcamera: nobody is called who has left, whatever thread it left in.
 */
#include "camera_signals.h"

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "hotplug.h"
#include "session_fixture.h"

using namespace std::chrono_literals;

namespace cmacam {
namespace {

/* One that stays in a call until it may go on. */
class SlowListener : public CameraListener
{
public:
	void requestCompleted(libcamera::Request * /*request*/) override {}
	void cameraDisconnected() override
	{
		called.count_down();
		mayReturn.wait();
	}

	std::latch called{1};
	std::latch mayReturn{1};
};

using CameraSignalsTest = SessionTest;

TEST_F(CameraSignalsTest, WhoLeavesWaitsForTheCallThatIsUnderWay)
{
	auto listener = std::make_unique<SlowListener>();
	listenTo(camera_, listener.get());
	fake_.post([this] { fake_.unplug(); });
	listener->called.wait();

	auto left = std::async(std::launch::async, [this] { listenTo(camera_, nullptr); });
	EXPECT_EQ(left.wait_for(100ms), std::future_status::timeout)
		<< "the listener would be destroyed during its call";
	listener->mayReturn.count_down();
	left.wait();
	fake_.run([] {});
}

TEST_F(CameraSignalsTest, WhoHasLeftIsNotCalled)
{
	SlowListener listener;
	listener.mayReturn.count_down();
	listenTo(camera_, &listener);
	listenTo(camera_, nullptr);
	fake_.run([this] { fake_.unplug(); });
	EXPECT_FALSE(listener.called.try_wait());
}

/* libcamera would call it: it has copied its list of receivers by then. */
TEST_F(CameraSignalsTest, ASubscriptionThatEndsDuringASignalIsNotCalled)
{
	std::latch called{1}, mayReturn{1};
	bool calledAfterItsEnd = false;
	const HotplugSubscription slow([&](Hotplug /*what*/, const auto & /*camera*/) {
		called.count_down();
		mayReturn.wait();
	});
	std::optional<HotplugSubscription> ending;
	std::atomic<bool> ended = false;
	ending.emplace(
		[&](Hotplug /*what*/, const auto & /*camera*/) { calledAfterItsEnd = ended; });

	fake_.post([this] { fake_.unplug(); });
	called.wait();
	auto end = std::async(std::launch::async, [&] {
		ending.reset();
		ended = true;
	});
	EXPECT_EQ(end.wait_for(100ms), std::future_status::timeout);
	mayReturn.count_down();
	end.wait();
	fake_.run([] {});
	EXPECT_FALSE(calledAfterItsEnd);
}

/* As cmacamsrc does that waits for a camera: it ends its watch where it is called. */
TEST_F(CameraSignalsTest, ASubscriptionMayEndWhereItIsCalled)
{
	std::optional<HotplugSubscription> one, two;
	int calls = 0;
	const auto endBoth = [&](Hotplug /*what*/, const auto & /*camera*/) {
		calls++;
		one.reset();
		two.reset();
	};
	one.emplace(endBoth);
	two.emplace(endBoth);
	fake_.run([this] { fake_.unplug(); });
	EXPECT_EQ(calls, 1) << "the first has ended the second";
}

} /* namespace */
} /* namespace cmacam */
