/* SPDX-License-Identifier: MIT */
/*
 * Each frame gets its own record, whatever gets lost. A socket stands for the
 * metadata node: each read() returns one packet.
 */

#include <cerrno>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "record_reader.h"

using libcamera::CmacamRecordReader;
using libcamera::UniqueFD;

namespace {

/* Not a whole number of microseconds, as timestamps of V4L2 buffers are. */
constexpr uint64_t stamp(unsigned int frame)
{
	return frame * 1000000ULL + 123;
}

class RecordReaderTest : public testing::Test
{
protected:
	RecordReaderTest()
	{
		int ends[2];
		EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
		reader.start(UniqueFD(ends[0]));
		node_ = UniqueFD(ends[1]);
	}

	void write(unsigned int frame, bool statistics = false,
		   uint32_t version = CMACAM_META_VERSION)
	{
		cmacam_frame_data data{};
		data.meta.version = version;
		data.meta.sequence = frame;
		data.meta.timestamp = stamp(frame);
		data.meta.flags = statistics ? CMACAM_META_FLAG_STATS : 0;
		data.stats.exposure = 100 + frame;

		const size_t size = statistics ? sizeof(data) : sizeof(data.meta);
		EXPECT_EQ(::write(node_.get(), &data, size), static_cast<ssize_t>(size));
	}

	void expectRecord(unsigned int frame, bool statistics = false)
	{
		const cmacam_frame_meta *record = take(frame, statistics);
		ASSERT_TRUE(record);
		EXPECT_EQ(record->sequence, frame);
	}

	const cmacam_frame_meta *take(unsigned int frame, bool statistics = false)
	{
		return reader.take(stamp(frame) / 1000 * 1000, statistics);
	}

	void expectStatistics(unsigned int frame)
	{
		const cmacam_frame_stats *statistics = reader.takeStatistics();
		ASSERT_TRUE(statistics);
		EXPECT_EQ(statistics->exposure, 100 + frame);
		EXPECT_FALSE(reader.takeStatistics());
	}

	CmacamRecordReader reader;

private:
	UniqueFD node_;
};

} /* namespace */

TEST_F(RecordReaderTest, OneRecordForEachFrame)
{
	write(1);
	write(2);
	expectRecord(1);
	write(3);
	expectRecord(2);
	expectRecord(3);
	EXPECT_FALSE(reader.takeStatistics());
}

TEST_F(RecordReaderTest, RecordsOfLostBuffersAreSkipped)
{
	for (unsigned int frame = 1; frame <= 5; frame++)
		write(frame);
	expectRecord(4);
	expectRecord(5);
}

TEST_F(RecordReaderTest, ALaterRecordWaitsForItsBuffer)
{
	write(3);
	EXPECT_FALSE(take(1));
	EXPECT_FALSE(take(2));
	expectRecord(3);
	write(4);
	expectRecord(4);
}

TEST_F(RecordReaderTest, AFrameWithoutARecordDoesNotWaitForEver)
{
	EXPECT_FALSE(take(1));
	write(1);
	write(2);
	expectRecord(2);
}

TEST_F(RecordReaderTest, StatisticsComeOnceWithTheRecord)
{
	write(1, true);
	expectRecord(1, true);
	expectStatistics(1);

	/* The driver had no new ones. */
	write(2);
	expectRecord(2, true);
	EXPECT_FALSE(reader.takeStatistics());
}

TEST_F(RecordReaderTest, StatisticsOfSkippedRecordsAreTheNewest)
{
	write(1, true);
	write(2, true);
	write(3);
	expectRecord(3, true);
	expectStatistics(2);
}

/* What is asked for before the first frame costs neither its record nor its statistics. */
TEST_F(RecordReaderTest, PreparingLosesNothing)
{
	reader.prepareStatistics();
	write(1, true);
	reader.prepareStatistics();
	reader.prepareStatistics();
	expectRecord(1, true);
	expectStatistics(1);
}

TEST_F(RecordReaderTest, RecordsOfOtherVersionsAreNotUsed)
{
	write(1, false, CMACAM_META_VERSION + 1);
	EXPECT_FALSE(take(1));
	write(2);
	expectRecord(2);
}

TEST_F(RecordReaderTest, ASessionForgetsTheLastOne)
{
	write(2, true);
	EXPECT_FALSE(take(1, true));

	int ends[2];
	ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	UniqueFD other(ends[1]);
	reader.start(UniqueFD(ends[0]));
	EXPECT_FALSE(reader.takeStatistics());
	EXPECT_FALSE(take(2));

	reader.stop();
	EXPECT_FALSE(take(3));
}
