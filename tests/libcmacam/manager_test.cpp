/* SPDX-License-Identifier: MIT */
/*
 * The shared CameraManager: one for all, and an error where libcamera would abort.
 */
#include "manager.h"

#include <cerrno>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace cmacam {
namespace {

std::shared_ptr<libcamera::CameraManager> lent;

TEST(Manager, IsShared)
{
	const auto first = sharedManager();
	const auto second = sharedManager();

	ASSERT_TRUE(first) << first.error().what;
	ASSERT_TRUE(second) << second.error().what;
	EXPECT_EQ(*first, *second);
}

TEST(Manager, AForeignOneIsAnErrorNotAnAbort)
{
	auto foreign = std::make_unique<libcamera::CameraManager>();

	const auto refused = sharedManager();
	ASSERT_FALSE(refused);
	EXPECT_EQ(refused.error().code, EBUSY);

	foreign.reset();
	EXPECT_TRUE(sharedManager());
}

TEST(Manager, AForkedProcessIsToldSo)
{
	const auto manager = sharedManager();
	ASSERT_TRUE(manager) << manager.error().what;

	const pid_t child = fork();
	ASSERT_GE(child, 0);
	if (child == 0) {
		/* Without an answer it would hang. */
		alarm(30);
		const auto refused = sharedManager();
		_exit(!refused && refused.error().code == EPERM &&
				      refused.error().what.find("has forked this process") !=
					      std::string::npos
			      ? 0
			      : 1);
	}
	int status = -1;
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}

/* The last reference and a new first one race: never two at a time, never EBUSY. */
TEST(Manager, ComesAndGoesFromManyThreads)
{
	auto user = [] {
		for (int i = 0; i < 20; i++) {
			const auto manager = sharedManager();
			EXPECT_TRUE(manager) << manager.error().what;
		}
	};

	std::jthread one(user), two(user), three(user);
}

TEST(Manager, OneThatIsLentIsUsedAndMayOutliveUs)
{
	setManagerSource([] {
		lent = std::make_shared<libcamera::CameraManager>();
		return lent->start() == 0 ? lent : nullptr;
	});
	{
		const auto ours = sharedManager();
		ASSERT_TRUE(ours) << ours.error().what;
		EXPECT_EQ(ours->get(), lent.get());
	}
	{
		const auto again = sharedManager();
		ASSERT_TRUE(again) << "the manager that was lent before is no stranger's";
		EXPECT_EQ(again->get(), lent.get());
	}
	lent.reset();
	setManagerSource(nullptr);
}

} /* namespace */
} /* namespace cmacam */
