/* SPDX-License-Identifier: MIT */
/*
 * Of frames that are lost the application is told twice: when that begins,
 * and when it is over.
 */

#include <gtest/gtest.h>

#include "loss_watch.h"

using libcamera::CmacamLossWatch;
using News = CmacamLossWatch::News;

namespace {

class LossWatchTest : public testing::Test
{
protected:
	/* Frames one after the other with nothing lost between; news other than none. */
	unsigned int complete(unsigned int frames, bool idle = false)
	{
		unsigned int told = 0;
		for (unsigned int i = 0; i < frames; i++)
			told += watch.completed(sequence++, lost, idle) != News::None;
		return told;
	}

	News completeAfterLosing(unsigned int count)
	{
		sequence += count;
		lost += count;
		return watch.completed(sequence++, lost, false);
	}

	CmacamLossWatch watch;
	uint32_t sequence = 0;
	uint32_t lost = 0;
};

} /* namespace */

TEST_F(LossWatchTest, SilentWhileNothingIsLost)
{
	EXPECT_EQ(complete(100, true), 0U);
	EXPECT_FALSE(watch.stopped(0));
}

TEST_F(LossWatchTest, ToldAtOnceWhenNothingIsQueued)
{
	complete(4, true);
	EXPECT_EQ(watch.lost(4, true), News::Begun);
	EXPECT_EQ(watch.first(), 4U);
	EXPECT_EQ(watch.lost(5, true), News::None);
}

TEST_F(LossWatchTest, FramesThatWereFinishedBeforeAreWaitedFor)
{
	complete(2);
	EXPECT_EQ(watch.lost(4, false), News::None);
	EXPECT_EQ(watch.completed(2, 0, false), News::None);
	EXPECT_EQ(watch.completed(3, 0, true), News::Begun);
	EXPECT_EQ(watch.first(), 4U);
}

TEST_F(LossWatchTest, TheFrameAfterTheGapTellsAsWell)
{
	complete(2);
	EXPECT_EQ(completeAfterLosing(3), News::Begun);
	EXPECT_EQ(watch.first(), 2U);
	EXPECT_EQ(watch.lost(2, false), News::None) << "late news of the same loss";
}

TEST_F(LossWatchTest, BeingStarvedWithinAnEpisodeIsToldOnce)
{
	complete(2);
	EXPECT_EQ(completeAfterLosing(3), News::Begun);
	EXPECT_FALSE(watch.isStarved());
	EXPECT_EQ(completeAfterLosing(1), News::None);

	const uint32_t next = sequence;
	EXPECT_EQ(watch.lost(next + 1, false), News::None);
	EXPECT_EQ(watch.completed(sequence++, lost, true), News::Begun);
	EXPECT_TRUE(watch.isStarved());
	EXPECT_EQ(watch.first(), next + 1);
	EXPECT_EQ(watch.lost(next + 2, true), News::None);
	EXPECT_EQ(completeAfterLosing(5), News::None);
	EXPECT_EQ(complete(CmacamLossWatch::kCalm), 1U);
	EXPECT_EQ(watch.count(), 9U);
}

TEST_F(LossWatchTest, OverAfterCalmFramesInARow)
{
	complete(4);
	watch.lost(4, true);
	EXPECT_EQ(completeAfterLosing(7), News::None);
	EXPECT_EQ(complete(CmacamLossWatch::kCalm - 1), 0U);
	EXPECT_EQ(completeAfterLosing(2), News::None) << "one and the same episode";
	const uint32_t whole = sequence - 1;
	EXPECT_EQ(complete(CmacamLossWatch::kCalm - 1), 0U);
	EXPECT_EQ(watch.completed(sequence, lost, false), News::Over);
	EXPECT_EQ(watch.count(), 9U);
	EXPECT_EQ(watch.wholeSince(), whole);
}

TEST_F(LossWatchTest, EachEpisodeCountsItsOwn)
{
	completeAfterLosing(5);
	EXPECT_EQ(complete(CmacamLossWatch::kCalm), 1U);
	EXPECT_EQ(completeAfterLosing(2), News::Begun);
	EXPECT_EQ(watch.first(), sequence - 3);
	EXPECT_EQ(complete(CmacamLossWatch::kCalm), 1U);
	EXPECT_EQ(watch.count(), 2U);
}

TEST_F(LossWatchTest, StoppingEndsAnEpisode)
{
	complete(4);
	watch.lost(4, true);
	EXPECT_TRUE(watch.stopped(11));
	EXPECT_EQ(watch.count(), 11U);
	EXPECT_FALSE(watch.stopped(11));

	watch.start();
	EXPECT_EQ(watch.completed(0, 0, true), News::None);
}
