/* SPDX-License-Identifier: MIT */
/*
 * Camera::bracket() with a camera without a board: which frame has which controls.
 */
#include <cerrno>
#include <optional>
#include <vector>

#include <cmacam/camera.h>
#include <gtest/gtest.h>

#include "session_fixture.h"

namespace cmacam {
namespace {

using Sets = std::vector<std::vector<NamedValue>>;

class BracketTest : public SessionTest
{
protected:
	void SetUp() override
	{
		SessionTest::SetUp();
		open({.policy = Policy::Block});
	}

	void open(const CameraOptions &options)
	{
		user_.reset();
		Result<Camera> opened = Camera::open(options);
		ASSERT_TRUE(opened) << opened.error().what;
		user_.emplace(*std::move(opened));
		ASSERT_TRUE(user_->start());
	}

	/* The camera makes a frame, and the program takes it and gives it back. */
	void next()
	{
		fake_.finish(sequence_++);
		Result<Frame> frame = user_->next();
		ASSERT_TRUE(frame) << frame.error().what;
		index_ = frame->info().bracket;
		const auto told = frame->metadata("Brightness");
		brightness_ = told ? std::optional(std::get<double>(*told)) : std::nullopt;
	}

	static Sets steps(const std::vector<double> &values)
	{
		Sets sets;
		for (double value : values)
			sets.push_back({{"Brightness", value}});
		return sets;
	}

	std::optional<Camera> user_;
	uint32_t sequence_ = 0;
	std::int32_t index_ = -1;
	std::optional<double> brightness_; /* that the frame's request has set */
};

TEST_F(BracketTest, EachSetHasAFrameAndThenAllIsAsBefore)
{
	ASSERT_TRUE(user_->set("Brightness", 0.125));
	ASSERT_TRUE(user_->bracket(steps({-1, -0.5, 0, 0.5, 1})));
	EXPECT_EQ(user_->bracket(steps({0})).error().code, EBUSY);

	/* The requests that the camera had already. */
	for (unsigned int i = 0; i < FakeCamera::kBuffers; i++) {
		next();
		EXPECT_EQ(index_, -1);
	}
	for (std::int32_t i = 0; i < 5; i++) {
		next();
		EXPECT_EQ(index_, i);
		EXPECT_EQ(brightness_, -1 + i * 0.5);
	}
	next();
	EXPECT_EQ(index_, -1);
	EXPECT_EQ(brightness_, 0.125);
	next();
	EXPECT_FALSE(brightness_);
	EXPECT_TRUE(user_->bracket(steps({0})));
}

TEST_F(BracketTest, WhatIsSetMeanwhileHoldsAfterwards)
{
	ASSERT_TRUE(user_->bracket(steps({-1, 1})));
	ASSERT_TRUE(user_->set("Brightness", 0.25));
	for (unsigned int i = 0; i < FakeCamera::kBuffers; i++)
		next();
	next();
	EXPECT_EQ(brightness_, -1);
	next();
	EXPECT_EQ(brightness_, 1);
	next();
	EXPECT_EQ(brightness_, 0.25);
}

TEST_F(BracketTest, ASetWithoutAControlOfAnotherGetsItsNormalValue)
{
	ASSERT_TRUE(user_->bracket(Sets{{{"Brightness", 1.0}}, {}}));
	for (unsigned int i = 0; i < FakeCamera::kBuffers; i++)
		next();
	next();
	EXPECT_EQ(brightness_, 1);
	next();
	EXPECT_EQ(index_, 1);
	EXPECT_EQ(brightness_, 0) << "the default";
}

/* A program that takes only the newest frame still gets all of a bracket. */
TEST_F(BracketTest, NoPolicyDropsAFrameOfIt)
{
	open({.policy = Policy::DropOldest});
	for (unsigned int i = 0; i < FakeCamera::kBuffers; i++)
		next();
	ASSERT_TRUE(user_->bracket(steps({-1, 1})));
	for (unsigned int i = 0; i < FakeCamera::kBuffers + 2; i++)
		fake_.finish(sequence_++);

	for (std::int32_t i = 0; i < 2; i++) {
		const Result<Frame> frame = user_->next();
		ASSERT_TRUE(frame) << frame.error().what;
		EXPECT_EQ(frame->info().bracket, i);
	}
}

TEST_F(BracketTest, AStopEndsIt)
{
	ASSERT_TRUE(user_->bracket(steps({-1, 1})));
	ASSERT_TRUE(user_->stop());
	EXPECT_EQ(user_->bracket(steps({0})).error().code, EPERM);

	ASSERT_TRUE(user_->start());
	sequence_ = 0;
	for (unsigned int i = 0; i < 2 * FakeCamera::kBuffers; i++) {
		next();
		EXPECT_EQ(index_, -1);
		EXPECT_FALSE(brightness_);
	}
}

TEST_F(BracketTest, ErrorsNameTheSet)
{
	EXPECT_EQ(user_->bracket({}).error().code, EINVAL);
	const Error range = user_->bracket(steps({0, 2})).error();
	EXPECT_EQ(range.code, ERANGE);
	EXPECT_TRUE(range.what.starts_with("set 1: Brightness of 2 is not within")) << range.what;
	EXPECT_EQ(user_->bracket(Sets{{{"Flash", true}}}).error().code, ENOENT);
	EXPECT_TRUE(user_->bracket(steps({0}))) << "nothing of the others is left";
}

} /* namespace */
} /* namespace cmacam */
