/* SPDX-License-Identifier: MIT */
/*
 * CameraMonitor with a camera without a board.
 */
#include <cerrno>
#include <chrono>
#include <future>
#include <optional>
#include <poll.h>
#include <string>
#include <vector>

#include <cmacam/camera_monitor.h>
#include <gtest/gtest.h>

#include "session_fixture.h"

using namespace std::chrono_literals;

namespace cmacam {
namespace {

class CameraMonitorTest : public SessionTest
{
protected:
	void SetUp() override
	{
		SessionTest::SetUp();
		Result<CameraMonitor> monitor = CameraMonitor::create();
		ASSERT_TRUE(monitor) << monitor.error().what;
		monitor_.emplace(*std::move(monitor));
	}

	bool isReadable() const
	{
		pollfd polled{monitor_->fd(), POLLIN, 0};
		return poll(&polled, 1, 0) == 1;
	}

	std::optional<CameraMonitor> monitor_;
};

TEST_F(CameraMonitorTest, ACameraThatIsThereComesFirst)
{
	EXPECT_TRUE(isReadable());
	const Result<CameraChange> change = monitor_->next(0ms);
	ASSERT_TRUE(change) << change.error().what;
	EXPECT_EQ(change->id, FakeCamera::kId);
	EXPECT_TRUE(change->present);
	EXPECT_FALSE(isReadable());
	EXPECT_EQ(monitor_->next(0ms).error().code, ETIMEDOUT);
	EXPECT_EQ(monitor_->cameras(), std::vector<std::string>{FakeCamera::kId});
}

TEST_F(CameraMonitorTest, AnUnplugIsAChange)
{
	ASSERT_TRUE(monitor_->next(0ms));
	fake_.run([this] { fake_.unplug(); });
	const Result<CameraChange> change = monitor_->next(5s);
	ASSERT_TRUE(change) << change.error().what;
	EXPECT_EQ(change->id, FakeCamera::kId);
	EXPECT_FALSE(change->present);
	EXPECT_TRUE(monitor_->cameras().empty());
}

TEST_F(CameraMonitorTest, CloseEndsAWait)
{
	ASSERT_TRUE(monitor_->next(0ms));
	auto waiting = std::async(std::launch::async, [this] { return monitor_->next(60s); });
	monitor_->close();
	ASSERT_EQ(waiting.wait_for(5s), std::future_status::ready);
	EXPECT_EQ(waiting.get().error().code, EPERM);
	EXPECT_TRUE(isReadable());
}

} /* namespace */
} /* namespace cmacam */
