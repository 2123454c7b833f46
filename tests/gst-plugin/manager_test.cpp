/* SPDX-License-Identifier: MIT */
/*
 * The shared CameraManager: one for all, and an error where libcamera would abort.
 */
#include "manager.h"

#include <thread>

#include <gtest/gtest.h>

namespace cmacam::gst {
namespace {

TEST(Manager, IsShared)
{
	MaybeError error;
	const auto first = sharedCameraManager(error);
	const auto second = sharedCameraManager(error);

	ASSERT_TRUE(first);
	EXPECT_FALSE(error);
	EXPECT_EQ(first, second);
}

TEST(Manager, AForeignOneIsAnErrorNotAnAbort)
{
	auto foreign = std::make_unique<libcamera::CameraManager>();

	MaybeError error;
	EXPECT_FALSE(sharedCameraManager(error));
	ASSERT_TRUE(error);
	EXPECT_EQ(error->kind, Error::Kind::Busy);

	foreign.reset();
	error.reset();
	EXPECT_TRUE(sharedCameraManager(error));
	EXPECT_FALSE(error);
}

/* The last reference and a new first one race: never two at a time, never Busy. */
TEST(Manager, ComesAndGoesFromManyThreads)
{
	auto user = [] {
		for (int i = 0; i < 20; i++) {
			MaybeError error;
			EXPECT_TRUE(sharedCameraManager(error));
			EXPECT_FALSE(error) << error->message;
		}
	};

	std::jthread one(user), two(user), three(user);
}

} /* namespace */
} /* namespace cmacam::gst */
