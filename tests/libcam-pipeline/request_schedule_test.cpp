/* SPDX-License-Identifier: MIT */
/*
 * The controls of a request are written while the frame before it is taken.
 */

#include <gtest/gtest.h>

#include "request_schedule.h"

using libcamera::CmacamRequestSchedule;
using libcamera::Request;

namespace {

/* Stands for a request; the schedule never looks inside. */
Request *fakeRequest(uintptr_t number)
{
	return reinterpret_cast<Request *>(number);
}

class RequestScheduleTest : public testing::Test
{
protected:
	void queue(unsigned int first, unsigned int last)
	{
		for (unsigned int i = first; i <= last; i++)
			schedule.queue(fakeRequest(i));
	}

	void expectDue(unsigned int number)
	{
		EXPECT_EQ(schedule.due(), fakeRequest(number));
		EXPECT_EQ(schedule.due(), nullptr);
	}

	CmacamRequestSchedule schedule;
};

} /* namespace */

TEST_F(RequestScheduleTest, AtOnceWithoutNewsOfStarts)
{
	queue(1, 2);
	EXPECT_EQ(schedule.due(), fakeRequest(1));
	expectDue(2);
}

TEST_F(RequestScheduleTest, OneFrameAhead)
{
	schedule.followStarts(true);
	queue(1, 4);
	expectDue(1);
	schedule.frameStarted(0);
	expectDue(2);
	schedule.frameCompleted(0);
	EXPECT_EQ(schedule.due(), nullptr);
	schedule.frameStarted(1);
	expectDue(3);
	schedule.frameStarted(2);
	schedule.frameCompleted(1);
	expectDue(4);
}

TEST_F(RequestScheduleTest, TheOnlyRequestIsDueAtOnce)
{
	schedule.followStarts(true);
	for (unsigned int i = 1; i <= 3; i++) {
		queue(i, i);
		expectDue(i);
		schedule.frameStarted(i - 1);
		schedule.frameCompleted(i - 1);
	}
}

TEST_F(RequestScheduleTest, QueuedWhileTheLastOneIsTaken)
{
	schedule.followStarts(true);
	queue(1, 1);
	expectDue(1);
	schedule.frameStarted(0);
	queue(2, 2);
	expectDue(2);
}

TEST_F(RequestScheduleTest, NewsOfAStartMayComeAfterTheFrame)
{
	schedule.followStarts(true);
	queue(1, 4);
	expectDue(1);
	schedule.frameCompleted(0);
	expectDue(2);
	schedule.frameStarted(0);
	EXPECT_EQ(schedule.due(), nullptr);
}

TEST_F(RequestScheduleTest, CompleteFramesHaveBegun)
{
	schedule.followStarts(true);
	queue(1, 4);
	expectDue(1);
	schedule.frameStarted(1);
	expectDue(2);
	schedule.frameStarted(0); /* which is complete, and nobody told of its start */
	EXPECT_EQ(schedule.due(), nullptr);
	schedule.frameCompleted(0);
	expectDue(3);
}

TEST_F(RequestScheduleTest, LostFramesTakeNoRequest)
{
	schedule.followStarts(true);
	queue(1, 3);
	expectDue(1);
	schedule.frameStarted(7);
	expectDue(2);
	schedule.frameCompleted(7);
	schedule.frameStarted(12);
	expectDue(3);
}

TEST_F(RequestScheduleTest, AFrameLostAfterItsStartIsPutRight)
{
	schedule.followStarts(true);
	queue(1, 5);
	expectDue(1);
	schedule.frameStarted(0);
	expectDue(2);
	schedule.frameStarted(1); /* request 1 again */
	expectDue(3);
	schedule.frameCompleted(1);
	EXPECT_EQ(schedule.due(), nullptr);
	schedule.frameStarted(2); /* request 2 */
	EXPECT_EQ(schedule.due(), nullptr);
	schedule.frameStarted(3);
	expectDue(4);
}

TEST_F(RequestScheduleTest, FollowingFromTheMiddleOfASession)
{
	queue(1, 2);
	while (schedule.due())
		;
	schedule.frameCompleted(0);
	schedule.followStarts(true);
	queue(3, 4);
	/* Frame 1 is being taken, for request 2. */
	expectDue(3);
	schedule.frameStarted(1);
	EXPECT_EQ(schedule.due(), nullptr);
	schedule.frameStarted(2);
	expectDue(4);
}

TEST_F(RequestScheduleTest, DroppedAndCleared)
{
	schedule.followStarts(true);
	queue(1, 2);
	schedule.dropLast();
	expectDue(1);
	schedule.frameStarted(0);
	EXPECT_EQ(schedule.due(), nullptr);

	queue(3, 3);
	schedule.clear();
	EXPECT_EQ(schedule.due(), nullptr);
}
