/* SPDX-License-Identifier: MIT */
/*
 * SessionControls and StreamConfigurations: what is in force, and what was agreed.
 */
#include "session_controls.h"

#include <cerrno>
#include <chrono>

#include <gtest/gtest.h>
#include <libcamera/control_ids.h>

#include "session_fixture.h"

using namespace std::chrono_literals;

namespace cmacam {
namespace {

using libcamera::controls::Brightness;
using libcamera::controls::FrameDurationLimits;

/* The shortest frame that @controls allow, or 0. */
int64_t shortest(const libcamera::ControlList &controls)
{
	const auto limits = controls.get(FrameDurationLimits);
	return limits ? (*limits)[0] : 0;
}

class SessionControlsTest : public SessionTest
{
protected:
	void SetUp() override
	{
		SessionTest::SetUp();
		controls_.emplace(camera_->controls());
	}

	static libcamera::ControlList wish(int64_t duration)
	{
		libcamera::ControlList list(libcamera::controls::controls);
		list.set(FrameDurationLimits,
			 libcamera::Span<const int64_t, 2>({duration, duration}));
		return list;
	}

	std::optional<SessionControls> controls_;
};

TEST_F(SessionControlsTest, WhatWasSetIsKept)
{
	libcamera::ControlList list(libcamera::controls::controls);
	list.set(Brightness, 0.25F);
	EXPECT_EQ(controls_->set(list).get(Brightness), 0.25F);
	controls_->set(wish(30000));
	EXPECT_EQ(controls_->all().get(Brightness), 0.25F);
	EXPECT_EQ(shortest(controls_->all()), 30000);
}

TEST_F(SessionControlsTest, NormalIsWhatWasSetOrTheDefault)
{
	libcamera::ControlList set(libcamera::controls::controls);
	set.set(Brightness, 0.5F);
	const std::vector sets = {set, wish(30000)};

	EXPECT_EQ(controls_->normal(sets).get(Brightness), 0.0F);
	libcamera::ControlList mine(libcamera::controls::controls);
	mine.set(Brightness, 0.25F);
	controls_->set(mine);
	EXPECT_EQ(controls_->normal(sets).get(Brightness), 0.25F);
	EXPECT_EQ(controls_->normal({}).get(Brightness), 0.25F);
	controls_->promise(Stream::Main, 50000us);
	EXPECT_EQ(shortest(controls_->normal(sets)), 50000);
}

TEST_F(SessionControlsTest, APromiseOverridesTheControlAndMainThatOfLores)
{
	EXPECT_EQ(shortest(controls_->frameDurationLimits()), 0);
	controls_->set(wish(30000));
	controls_->promise(Stream::Lores, 40000us);
	EXPECT_EQ(shortest(controls_->all()), 40000);
	controls_->promise(Stream::Main, 50000us);
	EXPECT_EQ(controls_->frameDuration(), 50000us);
	EXPECT_EQ(shortest(controls_->set(wish(20000))), 50000);

	controls_->promise(Stream::Main, 0us);
	EXPECT_EQ(shortest(controls_->frameDurationLimits()), 40000);
	controls_->promise(Stream::Lores, 0us);
	EXPECT_EQ(shortest(controls_->frameDurationLimits()), 20000) << "the control is back";
}

TEST_F(SessionControlsTest, APromiseStaysWithinTheLimitsOfTheCamera)
{
	controls_->promise(Stream::Main, 1us);
	EXPECT_EQ(shortest(controls_->all()), 10000);
	controls_->promise(Stream::Main, 1s);
	EXPECT_EQ(shortest(controls_->all()), 100000);
}

class StreamConfigurationsTest : public SessionTest
{
protected:
	void SetUp() override
	{
		SessionTest::SetUp();
		ASSERT_EQ(camera_->acquire(), 0);
		configurations_.emplace(camera_);
	}

	std::optional<StreamConfigurations> configurations_;
};

TEST_F(StreamConfigurationsTest, WhatTheCameraChoseIsKept)
{
	const std::vector main = {Stream::Main}, both = {Stream::Main, Stream::Lores};
	StreamSettings open;
	configurations_->want(Stream::Main, open);
	auto applied = configurations_->apply(main);
	ASSERT_TRUE(applied) << applied.error().what;
	const libcamera::Size chosen = (*applied)[Stream::Main].size;
	EXPECT_EQ(chosen, libcamera::Size(640, 480));

	StreamSettings small;
	small.size = {320, 240};
	configurations_->want(Stream::Lores, small);
	applied = configurations_->apply(both);
	ASSERT_TRUE(applied) << applied.error().what;
	EXPECT_EQ((*applied)[Stream::Main].size, chosen);
	EXPECT_EQ((*applied)[Stream::Lores].size, small.size);
	EXPECT_NE((*applied)[Stream::Main].stream(), (*applied)[Stream::Lores].stream());
}

TEST_F(StreamConfigurationsTest, TheErrorNamesTheNearestThatThereIs)
{
	const std::vector main = {Stream::Main};
	StreamSettings large;
	large.size = {4000, 3000};
	configurations_->want(Stream::Main, large);
	const auto refused = configurations_->apply(main);
	ASSERT_FALSE(refused);
	EXPECT_EQ(refused.error().code, EINVAL);
	EXPECT_NE(refused.error().what.find("cannot deliver 4000x3000"), std::string::npos)
		<< refused.error().what;
	EXPECT_NE(refused.error().what.find("the nearest that it can deliver is 640x480"),
		  std::string::npos)
		<< refused.error().what;
}

TEST_F(StreamConfigurationsTest, ACameraThatHasGoneIsNamed)
{
	const std::vector main = {Stream::Main};
	configurations_->want(Stream::Main, {});
	fake_.run([this] { fake_.unplug(); });
	const auto gone = configurations_->apply(main);
	ASSERT_FALSE(gone);
	EXPECT_EQ(gone.error().code, ENODEV);
}

} /* namespace */
} /* namespace cmacam */
