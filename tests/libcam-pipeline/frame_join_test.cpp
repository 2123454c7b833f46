/* SPDX-License-Identifier: MIT */
/*
 * Video buffers find the records of their own frames, whatever gets lost.
 */

#include <gtest/gtest.h>

#include "frame_join.h"

using libcamera::CmacamFrameJoin;
using libcamera::FrameBuffer;

namespace {

/* Stands for a buffer; the join never looks inside. */
FrameBuffer *fakeBuffer(uintptr_t number)
{
	return reinterpret_cast<FrameBuffer *>(number);
}

class FrameJoinTest : public testing::Test
{
protected:
	void addBuffer(unsigned int frame) { join.addBuffer(fakeBuffer(frame), frame * 1000); }

	void addRecord(unsigned int frame)
	{
		cmacam_frame_meta record{};
		record.sequence = frame;
		join.addRecord(record, frame * 1000);
	}

	void addPartner(unsigned int frame)
	{
		join.addPartner(fakeBuffer(100 + frame), frame * 1000);
	}

	void expectPair(unsigned int frame)
	{
		auto result = join.next();
		ASSERT_TRUE(result);
		EXPECT_EQ(result->buffer, fakeBuffer(frame));
		EXPECT_EQ(result->partner, fakeBuffer(100 + frame));
		EXPECT_EQ(result->timestamp, result->partnerTimestamp);
		ASSERT_TRUE(result->record);
		EXPECT_EQ(result->record->sequence, frame);
	}

	void expectFrame(unsigned int frame)
	{
		auto result = join.next();
		ASSERT_TRUE(result);
		EXPECT_EQ(result->buffer, fakeBuffer(frame));
		ASSERT_TRUE(result->record);
		EXPECT_EQ(result->record->sequence, frame);
	}

	void expectBareFrame(unsigned int frame)
	{
		auto result = join.next();
		ASSERT_TRUE(result);
		EXPECT_EQ(result->buffer, fakeBuffer(frame));
		EXPECT_FALSE(result->record);
	}

	CmacamFrameJoin join;
};

} /* namespace */

TEST_F(FrameJoinTest, BufferFirst)
{
	addBuffer(1);
	EXPECT_FALSE(join.next());
	EXPECT_TRUE(join.isWaiting());
	addRecord(1);
	expectFrame(1);
	EXPECT_FALSE(join.isWaiting());
}

TEST_F(FrameJoinTest, RecordFirst)
{
	addRecord(1);
	EXPECT_FALSE(join.next());
	EXPECT_FALSE(join.isWaiting());
	addBuffer(1);
	expectFrame(1);
}

TEST_F(FrameJoinTest, Bursts)
{
	for (unsigned int i = 1; i <= 3; i++)
		addBuffer(i);
	for (unsigned int i = 1; i <= 3; i++)
		addRecord(i);
	for (unsigned int i = 1; i <= 3; i++)
		expectFrame(i);
	EXPECT_FALSE(join.next());
}

TEST_F(FrameJoinTest, RecordLost)
{
	addBuffer(1);
	addBuffer(2);
	addRecord(2);
	expectBareFrame(1);
	expectFrame(2);
}

TEST_F(FrameJoinTest, BufferLost)
{
	addRecord(1);
	addRecord(2);
	addRecord(3);
	addBuffer(3);
	expectFrame(3);
	EXPECT_FALSE(join.next());
}

TEST_F(FrameJoinTest, BothLostInTurn)
{
	addBuffer(1);
	addRecord(2);
	addBuffer(3);
	addRecord(3);
	expectBareFrame(1);
	expectFrame(3);
}

TEST_F(FrameJoinTest, LateRecordIsDropped)
{
	addBuffer(1);
	auto late = join.nextWithoutRecord();
	ASSERT_TRUE(late);
	EXPECT_EQ(late->buffer, fakeBuffer(1));
	EXPECT_FALSE(join.nextWithoutRecord());

	addRecord(1);
	addBuffer(2);
	EXPECT_FALSE(join.next());
	addRecord(2);
	expectFrame(2);
}

TEST_F(FrameJoinTest, ClearForgets)
{
	addBuffer(1);
	addRecord(2);
	join.clear();
	EXPECT_FALSE(join.isWaiting());
	addBuffer(2);
	EXPECT_FALSE(join.next());
}

TEST_F(FrameJoinTest, PairsInAnyOrder)
{
	join.setPaired(true);
	addBuffer(1);
	addRecord(1);
	EXPECT_FALSE(join.next());
	EXPECT_FALSE(join.isWaiting());
	addPartner(1);
	expectPair(1);

	addPartner(2);
	addPartner(3);
	addBuffer(2);
	EXPECT_FALSE(join.next());
	EXPECT_TRUE(join.isWaiting());
	addBuffer(3);
	addRecord(2);
	addRecord(3);
	expectPair(2);
	expectPair(3);
}

TEST_F(FrameJoinTest, PairWithoutARecord)
{
	join.setPaired(true);
	addBuffer(1);
	EXPECT_FALSE(join.nextWithoutRecord());
	addPartner(1);
	auto late = join.nextWithoutRecord();
	ASSERT_TRUE(late);
	EXPECT_EQ(late->partner, fakeBuffer(101));
	EXPECT_FALSE(late->record);
}

TEST_F(FrameJoinTest, PartnersOfDifferentTimesAreTold)
{
	join.setPaired(true);
	addBuffer(1);
	addPartner(2);
	addRecord(1);
	auto torn = join.next();
	ASSERT_TRUE(torn);
	EXPECT_NE(torn->timestamp, torn->partnerTimestamp);
}

TEST_F(FrameJoinTest, ASingleStreamHasNoPartners)
{
	addBuffer(1);
	addRecord(1);
	auto result = join.next();
	ASSERT_TRUE(result);
	EXPECT_EQ(result->partner, nullptr);
}
