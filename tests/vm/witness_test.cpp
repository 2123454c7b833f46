/* SPDX-License-Identifier: MIT */
/* The counter of stale lines counts: unit tests that need no machine. */

#include <gtest/gtest.h>

#include "witness.h"

namespace {

constexpr uint32_t kOld = 6, kNew = 7;

class WitnessTest : public testing::Test
{
protected:
	WitnessTest()
	{
		for (size_t line = 0; line < frame.size() / CMACAM_MARK_LINE; line++)
			stamp(line, kNew);
	}

	void stamp(size_t line, uint32_t sequence)
	{
		memcpy(&frame[line * CMACAM_MARK_LINE + CMACAM_MARK_LINE_SEQUENCE], &sequence,
		       sizeof(sequence));
	}

	std::vector<std::byte> frame = std::vector<std::byte>(10 * CMACAM_MARK_LINE);
};

} /* namespace */

TEST_F(WitnessTest, FreshFrameHasNoStaleLine)
{
	const auto lines = witness::countLines(frame, kNew);
	EXPECT_EQ(lines.all, 10u);
	EXPECT_EQ(lines.stale, 0u);
}

TEST_F(WitnessTest, EachLineCounts)
{
	for (size_t line = 0; line < 10; line++) {
		stamp(line, kOld);
		EXPECT_EQ(witness::countLines(frame, kNew).stale, 1u) << line;
		EXPECT_EQ(witness::countLines(frame, kOld).stale, 9u) << line;
		stamp(line, kNew);
	}
}

TEST_F(WitnessTest, CutLineHasNoStamp)
{
	const auto cut = std::span(frame).first(CMACAM_MARK_LINE + CMACAM_MARK_LINE_SEQUENCE + 3);
	EXPECT_EQ(witness::countLines(cut, kOld).all, 1u);
	EXPECT_EQ(witness::countLines(cut, kOld).stale, 1u);
}

TEST_F(WitnessTest, PartCountsTheStampsWithinIt)
{
	const auto count = [&](size_t begin, size_t size) {
		return witness::countLines(std::span(frame).subspan(begin, size), kNew, begin);
	};

	for (size_t begin : {0, 3, 4, 5, 8, 63, 64, 68, 69, 200}) {
		for (size_t size : {0, 3, 4, 60, 64, 128, 130}) {
			size_t stamps = 0;
			for (size_t line = 0; line < 10; line++) {
				const size_t at =
					line * CMACAM_MARK_LINE + CMACAM_MARK_LINE_SEQUENCE;
				stamps += at >= begin && at + sizeof(kNew) <= begin + size;
			}
			EXPECT_EQ(count(begin, size).all, stamps) << begin << " " << size;
			EXPECT_EQ(count(begin, size).stale, 0u) << begin << " " << size;
		}
	}
}
