/* SPDX-License-Identifier: MIT */
/*
 * Which readers get a frame, in a model of cameras whose readers are quick or slow.
 */

#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <vector>

#include "lending.h"

using cmacam::Borrower;
using cmacam::Lending;

namespace {

/* A reader that returns each frame when this number of further frames was published. */
class ModelReader
{
public:
	ModelReader(const Lending &lending, unsigned int credits, unsigned int slowness)
		: borrower(lending.newcomer(credits)), slowness_(slowness)
	{
	}

	void take(unsigned int frame)
	{
		got++;
		held_.push_back(frame);
		borrower.held++;
	}

	/* Returns the frames that are due. */
	void proceed(unsigned int frame)
	{
		while (!held_.empty() && frame - held_.front() > slowness_) {
			borrower.hold = frame - held_.front() - 1;
			held_.pop_front();
			borrower.held--;
		}
	}

	const std::deque<unsigned int> &held() const { return held_; }

	Borrower borrower;
	unsigned int got = 0;

private:
	unsigned int slowness_;
	std::deque<unsigned int> held_;
};

/* Every frame is in a buffer of its own: the camera takes one that nobody holds. */
void publish(Lending *lending, unsigned int frame, const std::vector<ModelReader *> &readers)
{
	std::vector<Borrower *> borrowers;
	std::map<unsigned int, bool> lent;
	for (ModelReader *reader : readers) {
		reader->proceed(frame);
		borrowers.push_back(&reader->borrower);
		for (unsigned int one : reader->held())
			lent[one] = true;
	}
	lending->offer(borrowers, static_cast<unsigned int>(lent.size()), false);
	for (ModelReader *reader : readers) {
		if (reader->borrower.gets)
			reader->take(frame);
	}
}

} /* namespace */

TEST(Lending, AloneAReaderGetsAllThatItCanHold)
{
	Lending lending(2);
	ModelReader quick(lending, 2, 0);
	for (unsigned int frame = 1; frame <= 100; frame++)
		publish(&lending, frame, {&quick});
	EXPECT_EQ(quick.got, 100U);
}

TEST(Lending, ASlowReaderLeavesHalfOfTheFramesToAQuickOne)
{
	Lending lending(1);
	ModelReader slow(lending, 1, 119);
	ModelReader quick(lending, 1, 0);
	for (unsigned int frame = 1; frame <= 1200; frame++)
		publish(&lending, frame, {&slow, &quick});
	EXPECT_GE(quick.got, 590U);
	EXPECT_GE(slow.got, 4U) << "it gets its turn as well";
}

TEST(Lending, ConnectingAgainIsOfNoUse)
{
	Lending lending(1);
	ModelReader quick(lending, 1, 0);
	ModelReader slow(lending, 1, 50);
	for (unsigned int frame = 1; frame <= 1200; frame++) {
		if (frame % 52 == 0) {
			lending.hasLeft(slow.borrower);
			slow = ModelReader(lending, 1, 50);
		}
		publish(&lending, frame, {&quick, &slow});
	}
	EXPECT_GE(quick.got, 500U);
}

TEST(Lending, WithEnoughBuffersSlowReadersDisturbNobody)
{
	Lending lending(3);
	ModelReader first(lending, 1, 119);
	ModelReader second(lending, 1, 77);
	ModelReader quick(lending, 1, 0);
	for (unsigned int frame = 1; frame <= 1200; frame++)
		publish(&lending, frame, {&first, &second, &quick});
	EXPECT_EQ(quick.got, 1200U);
}

TEST(Lending, ReadersWithMoreCreditsThanThereAreBuffersDisturbLittle)
{
	Lending lending(3);
	ModelReader first(lending, 2, 119);
	ModelReader second(lending, 2, 77);
	ModelReader quick(lending, 1, 0);
	for (unsigned int frame = 1; frame <= 1200; frame++)
		publish(&lending, frame, {&first, &second, &quick});
	EXPECT_GE(quick.got, 600U);
}

TEST(Lending, ReadersThatAreEquallySlowShareFrames)
{
	Lending lending(1);
	ModelReader first(lending, 1, 2);
	ModelReader second(lending, 1, 2);
	publish(&lending, 1, {&first});
	for (unsigned int frame = 2; frame <= 601; frame++)
		publish(&lending, frame, {&first, &second});
	EXPECT_GE(first.got, 190U);
	EXPECT_GE(second.got, 190U);
}

TEST(Lending, WhoKeepsThePreviousFrameGetsTheNext)
{
	Lending lending(3);
	ModelReader tracker(lending, 2, 1);
	ModelReader quick(lending, 2, 0);
	for (unsigned int frame = 1; frame <= 100; frame++)
		publish(&lending, frame, {&tracker, &quick});
	EXPECT_EQ(tracker.got, 100U);
	EXPECT_EQ(quick.got, 100U);
}
