/* SPDX-License-Identifier: MIT */
/*
 * A part of a frame: its geometry, what the kernel is asked for, and the way
 * back to the whole buffer where parts cannot be had.
 */

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

#include <cmacam/mapped_frame.h>

#include "allocations.h"
#include "fake_dma_buf.h"
#include "small_frame.h"

using cmacam::FrameMapping;
using cmacam::PixelFormat;
using cmacam::Rect;
using cmacam::UniqueFd;

namespace {

constexpr std::size_t kLuma = kStride * kHeight;

class RoiTest : public testing::Test
{
protected:
	RoiTest() : fd(FakeDmaBufs::create(kLuma * 3 / 2)), mapping(map(PixelFormat::Nv12)) {}

	FrameMapping map(PixelFormat format) const
	{
		auto layout = cmacam::contiguousLayout(
			fd.get(), format, kWidth / sampleSize(format), kHeight, kStride);
		return *FrameMapping::map(*layout);
	}

	static unsigned int sampleSize(PixelFormat format)
	{
		return format == PixelFormat::Srggb10 ? 2 : 1;
	}

	unsigned int refusedWith(const Rect &rect) const
	{
		auto frame = mapping.begin(rect);
		return frame ? 0 : frame.error().code;
	}

	FakeDmaBufs fake;
	UniqueFd fd;
	FrameMapping mapping;
};

using RoiDeathTest = RoiTest;

unsigned int valueAt(const cmacam::MappedPlane &plane, unsigned int line, unsigned int byte)
{
	return std::to_integer<unsigned int>(plane.line(line)[byte]);
}

} /* namespace */

TEST_F(RoiTest, PlanesShowThePartOnly)
{
	auto frame = mapping.begin(Rect{10, 6, 20, 8});
	ASSERT_TRUE(frame);
	ASSERT_EQ(frame->planes().size(), 2U);

	const cmacam::MappedPlane &luma = frame->planes()[0];
	EXPECT_EQ(luma.width, 20U);
	EXPECT_EQ(luma.height, 8U);
	EXPECT_EQ(luma.stride, kStride);
	EXPECT_EQ(luma.data.size(), 7 * kStride + 20);
	EXPECT_EQ(luma.line(7).size(), 20U);
	EXPECT_EQ(valueAt(luma, 0, 0), (6 * kStride + 10) % 251);
	EXPECT_EQ(valueAt(luma, 7, 19), (13 * kStride + 29) % 251);

	const cmacam::MappedPlane &chroma = frame->planes()[1];
	EXPECT_EQ(chroma.width, 10U);
	EXPECT_EQ(chroma.height, 4U);
	EXPECT_EQ(chroma.line(3).size(), 20U);
	EXPECT_EQ(valueAt(chroma, 0, 0), (kLuma + 3 * kStride + 10) % 251);
	EXPECT_EQ(valueAt(chroma, 3, 19), (kLuma + 6 * kStride + 29) % 251);
}

TEST_F(RoiTest, ChromaIsRoundedOut)
{
	/* Columns 9 to 11 and lines 5 to 6: two pairs on two chroma lines. */
	auto frame = mapping.begin(Rect{9, 5, 3, 2});
	ASSERT_TRUE(frame);
	EXPECT_EQ(frame->planes()[0].width, 3U);
	EXPECT_EQ(frame->planes()[1].width, 2U);
	EXPECT_EQ(frame->planes()[1].height, 2U);
	EXPECT_EQ(valueAt(frame->planes()[1], 0, 0), (kLuma + 2 * kStride + 8) % 251);

	/* One pixel has one pair. */
	auto pixel = mapping.begin(Rect{kWidth - 1, kHeight - 1, 1, 1});
	ASSERT_TRUE(pixel);
	EXPECT_EQ(pixel->planes()[1].width, 1U);
	EXPECT_EQ(pixel->planes()[1].height, 1U);
	EXPECT_EQ(valueAt(pixel->planes()[1], 0, 1), (kLuma + 19 * kStride + 59) % 251);
}

TEST_F(RoiTest, BayerSamplesHaveTwoBytes)
{
	FrameMapping raw = map(PixelFormat::Srggb10);
	auto frame = raw.begin(Rect{4, 2, 6, 3});
	ASSERT_TRUE(frame);
	ASSERT_EQ(frame->planes().size(), 1U);
	EXPECT_EQ(frame->planes()[0].line(2).size(), 12U);
	EXPECT_EQ(valueAt(frame->planes()[0], 0, 0), (2 * kStride + 8) % 251);
	ASSERT_EQ(fake.parts().size(), 1U);
	EXPECT_EQ(fake.parts()[0].line_bytes, 12U);
}

TEST_F(RoiTest, AsksForThePartOfEachPlane)
{
	{
		auto frame = mapping.begin(Rect{9, 5, 3, 2});
		ASSERT_TRUE(frame);
		ASSERT_EQ(fake.parts().size(), 2U);
		for (const vb2_cma_sync &part : fake.parts()) {
			EXPECT_EQ(part.flags,
				  static_cast<unsigned>(DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
			EXPECT_EQ(part.stride, kStride);
			EXPECT_EQ(part.lines, 2U);
			EXPECT_EQ(part.reserved, 0U);
		}
		EXPECT_EQ(fake.parts()[0].offset, 5 * kStride + 9);
		EXPECT_EQ(fake.parts()[0].line_bytes, 3U);
		EXPECT_EQ(fake.parts()[1].offset, kLuma + 2 * kStride + 8);
		EXPECT_EQ(fake.parts()[1].line_bytes, 4U);
	}
	ASSERT_EQ(fake.parts().size(), 4U);
	for (std::size_t i : {0, 1}) {
		vb2_cma_sync end = fake.parts()[2 + i];
		EXPECT_EQ(end.flags, static_cast<unsigned>(DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
		end.flags = fake.parts()[i].flags;
		EXPECT_EQ(memcmp(&end, &fake.parts()[i], sizeof(end)), 0);
	}
	EXPECT_EQ(fake.begins(), 0);
	EXPECT_EQ(fake.ends(), 0);
}

TEST_F(RoiTest, WritingIsSaidAndConfinedToThePart)
{
	auto layout =
		cmacam::contiguousLayout(fd.get(), PixelFormat::Gray8, kWidth, kHeight, kStride);
	auto writing = FrameMapping::map(*layout, cmacam::Access::ReadWrite);
	ASSERT_TRUE(writing);
	auto frame = writing->begin(Rect{8, 4, 4, 2});
	ASSERT_TRUE(frame);

	EXPECT_EQ(fake.parts()[0].flags,
		  static_cast<unsigned>(DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	EXPECT_EQ(frame->writable(0).size(), kStride + 4);
	frame->writable(0)[0] = std::byte{0xaa};
	EXPECT_EQ(mapping.begin()->planes()[0].line(4)[8], std::byte{0xaa});
}

TEST_F(RoiTest, WhatIsNotWithinTheFrameIsRefused)
{
	EXPECT_EQ(refusedWith({0, 0, kWidth, kHeight}), 0U);
	EXPECT_EQ(refusedWith({0, 0, kWidth + 1, 1}), EINVAL);
	EXPECT_EQ(refusedWith({0, 1, 1, kHeight}), EINVAL);
	EXPECT_EQ(refusedWith({kWidth, 0, 1, 1}), EINVAL);
	EXPECT_EQ(refusedWith({1, 0, UINT_MAX, 1}), EINVAL);
	EXPECT_EQ(refusedWith({0, UINT_MAX, 1, 2}), EINVAL);
	EXPECT_EQ(refusedWith({0, 0, 0, 1}), EINVAL);
	EXPECT_EQ(refusedWith({0, 0, 1, 0}), EINVAL);
	EXPECT_EQ(fake.parts().size(), 4U) << "two planes of the one that fits, begun and ended";
}

TEST_F(RoiTest, OtherDriversAreAskedForTheWholeOnce)
{
	for (int error : {EOPNOTSUPP, ENODEV, ENOTTY}) {
		FakeDmaBufs other;
		other.setPartError(error);
		FrameMapping foreign = map(PixelFormat::Nv12);

		for (int i = 0; i < 3; i++) {
			auto frame = foreign.begin(Rect{10, 6, 20, 8});
			ASSERT_TRUE(frame) << error;
			EXPECT_EQ(frame->planes()[0].width, 20U);
			EXPECT_EQ(other.begins(), i + 1) << "one buffer, two planes";
			EXPECT_EQ(other.ends(), i);
		}
		EXPECT_EQ(other.ends(), 3);
		EXPECT_EQ(other.partCalls(), 1U) << "the answer is kept with the mapping";
	}
}

TEST_F(RoiTest, TheAnswerMovesWithTheMapping)
{
	fake.setPartError(EOPNOTSUPP);
	ASSERT_TRUE(mapping.begin(Rect{0, 0, 1, 1}));
	FrameMapping moved = std::move(mapping);
	ASSERT_TRUE(moved.begin(Rect{0, 0, 1, 1}));
	EXPECT_EQ(fake.partCalls(), 1U);
}

TEST_F(RoiTest, OtherErrorsAreReportedAndRolledBack)
{
	fake.failCall(1, EIO);
	auto frame = mapping.begin(Rect{0, 0, 4, 4});
	ASSERT_FALSE(frame);
	EXPECT_EQ(frame.error().code, EIO);
	ASSERT_EQ(fake.parts().size(), 2U);
	EXPECT_FALSE(fake.parts()[0].flags & DMA_BUF_SYNC_END);
	EXPECT_TRUE(fake.parts()[1].flags & DMA_BUF_SYNC_END);
	EXPECT_EQ(fake.begins(), 0);
}

TEST_F(RoiTest, InterruptedCallsAreRepeated)
{
	fake.failCall(0, EINTR);
	fake.failCall(1, EAGAIN);
	ASSERT_TRUE(mapping.begin(Rect{0, 0, 4, 4}));
	EXPECT_EQ(fake.parts().size(), 4U);
}

TEST_F(RoiTest, PartsAndTheWholeEndOnTheirOwn)
{
	auto whole = mapping.begin();
	auto top = mapping.begin(Rect{0, 0, kWidth, 2});
	auto bottom = mapping.begin(Rect{0, 2, kWidth, 2});
	ASSERT_TRUE(whole && top && bottom);

	*top = *std::move(bottom);
	EXPECT_EQ(fake.parts().size(), 6U) << "four begun, two ended";
	ASSERT_TRUE(whole->end());
	EXPECT_EQ(fake.ends(), 1);
	ASSERT_TRUE(top->end());
	EXPECT_EQ(fake.parts().size(), 8U);
	EXPECT_TRUE(top->planes().empty());
}

TEST_F(RoiTest, MakesNoAllocation)
{
	/* The fake keeps a list, the whole frame's fake does not. */
	fake.setPartError(EOPNOTSUPP);
	ASSERT_TRUE(mapping.begin(Rect{0, 0, 4, 4}));

	const unsigned int before = allocations();
	for (int i = 0; i < 10; i++) {
		auto part = mapping.begin(Rect{0, 0, 4, 4});
		auto whole = mapping.begin();
		EXPECT_TRUE(part && whole);
	}
	EXPECT_EQ(allocations(), before);
}

/* A process that has not opened the node yet: the death tests run in one of their own. */

TEST_F(RoiDeathTest, WithoutANodeTheWholeIsAskedFor)
{
	GTEST_FLAG_SET(death_test_style, "threadsafe");
	EXPECT_EXIT(
		{
			fake.setNode(false);
			auto frame = mapping.begin(Rect{10, 6, 20, 8});
			const bool good = frame && fake.begins() == 1 && fake.opens() == 1 &&
					  fake.partCalls() == 0;

			/* The driver may be loaded later; new mappings ask again. */
			fake.setNode(true);
			FrameMapping later = map(PixelFormat::Nv12);
			const bool found = later.begin(Rect{0, 0, 2, 2}) && fake.opens() == 2 &&
					   fake.parts().size() == 2;
			std::exit(good && found ? 0 : 1);
		},
		testing::ExitedWithCode(0), "");
}

TEST_F(RoiDeathTest, TheNodeIsOpenedOnce)
{
	GTEST_FLAG_SET(death_test_style, "threadsafe");
	EXPECT_EXIT(
		{
			/* A fake that refuses keeps no list, which threads would share. */
			fake.setPartError(EIO);
			std::vector<std::jthread> threads;
			for (int i = 0; i < 4; i++)
				threads.emplace_back([this] {
					for (int j = 0; j < 100; j++)
						static_cast<void>(mapping.begin(Rect{0, 0, 2, 2}));
				});
			threads.clear();
			std::exit(fake.opens() == 1 ? 0 : 1);
		},
		testing::ExitedWithCode(0), "");
}
