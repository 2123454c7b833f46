/* SPDX-License-Identifier: MIT */
/*
 * Statistics find the exposure of their own frames.
 */

#include <gtest/gtest.h>

#include "stats_join.h"

using libcamera::CmacamStatsJoin;

namespace {

class StatsJoinTest : public testing::Test
{
protected:
	void addRecord(uint64_t frame, bool matches)
	{
		expect(join.addRecord(frame, {static_cast<uint32_t>(100 + frame), 256}), frame,
		       matches);
	}

	void addStats(uint32_t frame, bool matches)
	{
		cmacam_stats stats{};
		stats.sequence = frame;
		expect(join.addStats(frame, stats), frame, matches);
	}

	CmacamStatsJoin join;

private:
	void expect(const CmacamStatsJoin::Match &match, uint64_t frame, bool matches)
	{
		ASSERT_EQ(match.stats != nullptr, matches);
		if (!matches)
			return;

		EXPECT_EQ(match.stats->sequence, frame);
		EXPECT_EQ(match.inForce.exposure, 100 + frame);
	}
};

} /* namespace */

TEST_F(StatsJoinTest, InEitherOrderAndOnce)
{
	addRecord(1, false);
	addStats(1, true);
	addRecord(1, false);

	addStats(2, false);
	addRecord(2, true);
	addRecord(2, false);
}

TEST_F(StatsJoinTest, EitherMayBeLost)
{
	addRecord(1, false);
	addRecord(2, false);
	addStats(2, true);
	addStats(3, false);
	addStats(4, false);
	addRecord(4, true);
}

TEST_F(StatsJoinTest, RecordsMayBeFramesAhead)
{
	for (uint64_t frame = 1; frame <= 16; frame++)
		addRecord(frame, false);
	addStats(1, true);
	addStats(9, true);
}

TEST_F(StatsJoinTest, NothingOfAnEarlierSession)
{
	addStats(1, false);
	join.clear();
	addRecord(1, false);
}
