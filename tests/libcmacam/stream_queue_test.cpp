/* SPDX-License-Identifier: MIT */
/*
 * StreamQueue: order, what is lost and dropped, pauses, and the end of its buffers.
 */
#include "stream_queue.h"

#include <gtest/gtest.h>

#include "session_fixture.h"

namespace cmacam {
namespace {

using Fate = StreamQueue::Fate;

class StreamQueueTest : public SessionTest
{
protected:
	void SetUp() override
	{
		SessionTest::SetUp();
		configure({Stream::Main});
		buffers_ = allocate(Stream::Main);
		queue_.open(buffers_);
	}

	/* Frame @sequence comes in the buffer that has been free for longest. */
	Fate come(uint32_t sequence, bool damaged = false, bool spoilt = false)
	{
		frame_ = {};
		frame_.sequence = sequence;
		frame_.damaged = damaged;
		frame_.buffer = queue_.takeFree();
		return queue_.complete(frame_, spoilt);
	}

	/* The user takes the oldest frame and gives it back. */
	CompletedFrame use()
	{
		const CompletedFrame frame = queue_.takeFrame();
		queue_.giveBack(frame.buffer);
		return frame;
	}

	std::shared_ptr<StreamBuffers> buffers_;
	StreamQueue queue_;
	CompletedFrame frame_;
};

TEST_F(StreamQueueTest, BuffersGoOutInTheOrderInWhichTheyCameBack)
{
	for (size_t i = 0; i < FakeCamera::kBuffers; i++)
		EXPECT_EQ(queue_.takeFree(), i);
	EXPECT_FALSE(queue_.hasFree());
	EXPECT_EQ(queue_.underWay(), FakeCamera::kBuffers);

	queue_.cancel(2);
	queue_.cancel(0);
	EXPECT_EQ(queue_.underWay(), 2U);
	EXPECT_EQ(queue_.takeFree(), 2U);
	EXPECT_EQ(queue_.takeFree(), 0U);
}

TEST_F(StreamQueueTest, FramesAreTakenInTheOrderInWhichTheyCame)
{
	EXPECT_EQ(come(0), Fate::Waits);
	EXPECT_EQ(come(1), Fate::Waits);
	EXPECT_EQ(queue_.waiting(), 2U);
	EXPECT_EQ(queue_.underWay(), 0U);

	EXPECT_EQ(queue_.takeFrame().sequence, 0U);
	EXPECT_EQ(queue_.takeFrame().sequence, 1U);
	EXPECT_FALSE(queue_.hasFrame());
}

TEST_F(StreamQueueTest, GapsAreLostFrames)
{
	come(1);
	EXPECT_EQ(frame_.lost, 1U) << "the camera counts from 0";
	EXPECT_TRUE(frame_.discontinuous);
	come(2);
	EXPECT_EQ(frame_.lost, 0U);
	EXPECT_FALSE(frame_.discontinuous);
	come(6);
	EXPECT_EQ(frame_.lost, 3U);
	EXPECT_EQ(queue_.counts().lost, 4U);
}

TEST_F(StreamQueueTest, TheNewestReplacesNoFrameOfABracket)
{
	queue_.setDelivery({.newestOnly = true});
	const auto arrives = [this](uint32_t sequence, int32_t bracket) {
		CompletedFrame frame;
		frame.sequence = sequence;
		frame.bracket = bracket;
		frame.buffer = queue_.takeFree();
		queue_.complete(frame, false);
		return queue_.makeRoom();
	};

	EXPECT_FALSE(arrives(0, 0));
	EXPECT_FALSE(arrives(1, 1));
	EXPECT_FALSE(arrives(2, -1));
	const auto old = arrives(3, -1);
	ASSERT_TRUE(old);
	EXPECT_EQ(old->sequence, 2U);
	for (uint32_t sequence : {0U, 1U, 3U})
		EXPECT_EQ(queue_.takeFrame().sequence, sequence);
	EXPECT_EQ(queue_.counts().dropped, 1U);
}

TEST_F(StreamQueueTest, TheCountOfFramesMayWrap)
{
	queue_.renumber(true);
	come(UINT32_MAX);
	come(0);
	EXPECT_EQ(frame_.lost, 0U);
	come(2);
	EXPECT_EQ(frame_.lost, 1U);
}

TEST_F(StreamQueueTest, TheNewestOnlyMakesTheOldestGo)
{
	queue_.setDelivery({.newestOnly = true});
	come(0);
	EXPECT_FALSE(queue_.makeRoom());
	come(1);
	const auto old = queue_.makeRoom();
	ASSERT_TRUE(old);
	EXPECT_EQ(old->sequence, 0U);
	EXPECT_EQ(queue_.counts().dropped, 1U);
	EXPECT_EQ(queue_.takeFrame().sequence, 1U);
}

TEST_F(StreamQueueTest, AllFramesMayWait)
{
	for (uint32_t i = 0; i < FakeCamera::kBuffers; i++)
		come(i);
	EXPECT_FALSE(queue_.makeRoom());
	EXPECT_EQ(queue_.waiting(), FakeCamera::kBuffers);
	EXPECT_EQ(queue_.counts().dropped, 0U);
}

TEST_F(StreamQueueTest, DamagedFramesAreCountedAndNotLost)
{
	queue_.setDelivery({.damaged = false});
	EXPECT_EQ(come(0, true), Fate::Discarded);
	EXPECT_EQ(come(1, false, true), Fate::Discarded) << "the other stream's frame is damaged";
	EXPECT_EQ(come(2), Fate::Waits);
	EXPECT_EQ(frame_.lost, 0U);
	EXPECT_EQ(queue_.counts().damaged, 2U);
	EXPECT_EQ(queue_.underWay(), 0U);
}

TEST_F(StreamQueueTest, APauseLosesNothing)
{
	come(0);
	come(1);
	const auto waited = queue_.setPaused(true);
	ASSERT_EQ(waited.size(), 2U);
	EXPECT_EQ(waited.front().sequence, 0U);
	for (const CompletedFrame &frame : waited)
		queue_.giveBack(frame.buffer);
	EXPECT_EQ(come(2), Fate::Unseen);
	EXPECT_EQ(come(3), Fate::Unseen);

	EXPECT_TRUE(queue_.setPaused(false).empty());
	EXPECT_EQ(come(4), Fate::Waits);
	EXPECT_TRUE(frame_.discontinuous);
	EXPECT_EQ(queue_.counts().lost, 0U);
	come(6);
	EXPECT_EQ(queue_.counts().lost, 1U) << "after the pause losses count again";
}

TEST_F(StreamQueueTest, AnIdleStreamKeepsItsBuffersAndLosesNothing)
{
	const size_t underWay = queue_.takeFree();
	queue_.setIdle(true);
	EXPECT_FALSE(queue_.hasFree());
	EXPECT_FALSE(queue_.takesPart());
	EXPECT_TRUE(queue_.isOpen());

	frame_ = {};
	frame_.buffer = underWay;
	EXPECT_EQ(queue_.complete(frame_, false), Fate::Unseen) << "it came after the stop";
	queue_.setIdle(false);
	EXPECT_EQ(come(9), Fate::Waits);
	EXPECT_EQ(frame_.lost, 0U);
}

TEST_F(StreamQueueTest, OnDemandEachPictureIsWantedBefore)
{
	queue_.setOnDemand(true);
	EXPECT_FALSE(queue_.takesPart());
	queue_.want();
	EXPECT_TRUE(queue_.hasFree());
	EXPECT_EQ(come(40), Fate::Waits);
	EXPECT_EQ(frame_.lost, 0U) << "nobody wanted those before";
	EXPECT_FALSE(queue_.takesPart()) << "it waits for its user";
	use();
	EXPECT_FALSE(queue_.takesPart());

	queue_.want();
	queue_.want();
	queue_.cancel(queue_.takeFree());
	for (uint32_t i = 50; i < 52; i++) {
		EXPECT_TRUE(queue_.hasFree()) << "for one that was cancelled there is another one";
		come(i);
	}
	EXPECT_FALSE(queue_.takesPart());
	EXPECT_EQ(queue_.counts().lost, 0U);
}

/* A new user gets no picture that was taken before he asked. */
TEST_F(StreamQueueTest, APictureOfWhoHasGivenUpIsForNobody)
{
	queue_.setOnDemand(true);
	queue_.want();
	frame_ = {};
	frame_.buffer = queue_.takeFree();
	queue_.unwant();
	queue_.want();
	EXPECT_TRUE(queue_.hasFree());
	const size_t fresh = queue_.takeFree();
	EXPECT_FALSE(queue_.takesPart());

	EXPECT_EQ(queue_.complete(frame_, false), Fate::Unseen);
	EXPECT_FALSE(queue_.takesPart());
	frame_ = {};
	frame_.buffer = fresh;
	EXPECT_EQ(queue_.complete(frame_, false), Fate::Waits);
	EXPECT_EQ(queue_.takeFrame().buffer, fresh);
	EXPECT_EQ(queue_.underWay(), 0U);
}

TEST_F(StreamQueueTest, WhoGivesUpTakesNoPictureFromAnother)
{
	queue_.setOnDemand(true);
	queue_.want();
	queue_.want();
	queue_.unwant();
	EXPECT_EQ(come(0), Fate::Waits) << "none was under way yet";
	EXPECT_FALSE(queue_.takesPart());
	use();
}

TEST_F(StreamQueueTest, ACameraWithoutABufferIsStarved)
{
	come(0);
	come(1);
	queue_.countStarved();
	EXPECT_EQ(queue_.counts().starved, 1U);

	queue_.takeFree();
	queue_.countStarved();
	EXPECT_EQ(queue_.counts().starved, 1U);

	queue_.resetCounts();
	EXPECT_EQ(queue_.counts().starved, 0U);
}

TEST_F(StreamQueueTest, OwnBuffersAreProvenAndForeignOnesByAFrame)
{
	EXPECT_TRUE(queue_.isProven());
	queue_.open(StreamBuffers::import(buffers_->fds(), *buffers_));
	EXPECT_FALSE(queue_.isProven());
	come(0);
	EXPECT_TRUE(queue_.isProven());
}

TEST_F(StreamQueueTest, ClosingForgetsFramesAndBuffers)
{
	come(0);
	queue_.takeFree();
	queue_.close();
	EXPECT_FALSE(queue_.isOpen());
	EXPECT_FALSE(queue_.hasFree());
	EXPECT_FALSE(queue_.hasFrame());
	EXPECT_EQ(queue_.underWay(), 0U);

	queue_.open(buffers_);
	for (uint32_t i = 0; i < 3 * FakeCamera::kBuffers; i++) {
		come(i);
		EXPECT_EQ(use().sequence, i);
	}
	EXPECT_EQ(queue_.counts().lost, 0U);
}

} /* namespace */
} /* namespace cmacam */
