/* SPDX-License-Identifier: MIT */
/*
 * Balance of begin and end, moves, bounds and write protection of MappedFrame.
 */

#include <cerrno>
#include <gtest/gtest.h>
#include <linux/dma-buf.h>
#include <optional>

#include <cmacam/mapped_frame.h>

#include "fake_dma_buf.h"
#include "small_frame.h"

using cmacam::Access;
using cmacam::FrameLayout;
using cmacam::FrameMapping;
using cmacam::MappedFrame;
using cmacam::PixelFormat;
using cmacam::UniqueFd;

namespace {

constexpr std::size_t kSize = kStride * kHeight * 3 / 2;

class MappedFrameTest : public testing::Test
{
protected:
	MappedFrameTest() : fd(FakeDmaBufs::create(kSize)), layout(layoutOf(fd.get())) {}

	static FrameLayout layoutOf(int dmaBuf)
	{
		auto result = cmacam::contiguousLayout(dmaBuf, PixelFormat::Nv12, kWidth, kHeight,
						       kStride);
		EXPECT_TRUE(result);
		return *result;
	}

	FakeDmaBufs fake;
	UniqueFd fd;
	FrameLayout layout;
};

} /* namespace */

TEST_F(MappedFrameTest, BeginsAndEndsOnceForPlanesOfOneBuffer)
{
	{
		auto frame = MappedFrame::map(layout);
		ASSERT_TRUE(frame);
		EXPECT_EQ(frame->planes().size(), 2U);
		EXPECT_EQ(fake.begins(), 1);
		EXPECT_EQ(fake.ends(), 0);
	}
	EXPECT_EQ(fake.begins(), 1);
	EXPECT_EQ(fake.ends(), 1);
	EXPECT_TRUE(fake.lastFlags() & DMA_BUF_SYNC_READ);
	EXPECT_FALSE(fake.lastFlags() & DMA_BUF_SYNC_WRITE);
}

TEST_F(MappedFrameTest, SameBufferByAnotherDescriptor)
{
	auto copy = cmacam::duplicateFd(fd.get());
	ASSERT_TRUE(copy);
	layout.planes[1].fd = copy->get();

	auto frame = MappedFrame::map(layout);
	ASSERT_TRUE(frame);
	EXPECT_EQ(fake.begins(), 1);
}

TEST_F(MappedFrameTest, PlanesShowTheBuffer)
{
	auto frame = MappedFrame::map(layout);
	ASSERT_TRUE(frame);

	const cmacam::MappedPlane &luma = frame->planes()[0];
	ASSERT_EQ(luma.line(3).size(), kWidth);
	EXPECT_EQ(std::to_integer<unsigned>(luma.line(3)[7]), (3 * kStride + 7) % 251);

	const cmacam::MappedPlane &chroma = frame->planes()[1];
	ASSERT_EQ(chroma.line(2).size(), kWidth);
	EXPECT_EQ(std::to_integer<unsigned>(chroma.line(2)[9]),
		  (kStride * kHeight + 2 * kStride + 9) % 251);
}

TEST_F(MappedFrameTest, MappingIsKeptOverFrames)
{
	auto mapping = FrameMapping::map(layout);
	ASSERT_TRUE(mapping);
	EXPECT_EQ(fake.calls(), 0U);

	const std::byte *first = nullptr;
	for (int i = 0; i < 3; i++) {
		auto frame = mapping->begin();
		ASSERT_TRUE(frame);
		if (!first)
			first = frame->planes()[0].data.data();
		EXPECT_EQ(frame->planes()[0].data.data(), first);
	}
	EXPECT_EQ(fake.begins(), 3);
	EXPECT_EQ(fake.ends(), 3);
}

TEST_F(MappedFrameTest, MappingOutlivesTheDescriptor)
{
	auto mapping = FrameMapping::map(layout);
	ASSERT_TRUE(mapping);
	fd.reset();

	auto frame = mapping->begin();
	ASSERT_TRUE(frame);
	EXPECT_EQ(std::to_integer<unsigned>(frame->planes()[0].data[5]), 5U);
}

TEST_F(MappedFrameTest, MovedFrameEndsOnce)
{
	std::optional<MappedFrame> keep;
	{
		auto frame = MappedFrame::map(layout);
		ASSERT_TRUE(frame);
		keep.emplace(*std::move(frame));
		EXPECT_TRUE(frame->planes().empty());
	}
	EXPECT_EQ(fake.ends(), 0);
	EXPECT_EQ(keep->planes().size(), 2U);
	keep.reset();
	EXPECT_EQ(fake.ends(), 1);
}

TEST_F(MappedFrameTest, AssignmentEndsTheOldFrame)
{
	auto mapping = FrameMapping::map(layout);
	auto a = mapping->begin();
	auto b = mapping->begin();
	ASSERT_TRUE(a && b);

	*a = *std::move(b);
	EXPECT_EQ(fake.ends(), 1);
	EXPECT_EQ(a->planes().size(), 2U);
}

TEST_F(MappedFrameTest, EndIsCheckedAndHappensOnce)
{
	fake.failCall(1, EIO);
	auto frame = MappedFrame::map(layout);
	ASSERT_TRUE(frame);

	auto result = frame->end();
	ASSERT_FALSE(result);
	EXPECT_EQ(result.error().code, EIO);
	EXPECT_TRUE(frame->planes().empty());
	EXPECT_TRUE(frame->end());
	EXPECT_EQ(fake.calls(), 2U);
}

TEST_F(MappedFrameTest, FailedBeginRollsBack)
{
	UniqueFd other = FakeDmaBufs::create(kSize);
	layout.planes[1].fd = other.get();
	layout.planes[1].offset = 0;
	fake.failCall(1, EIO);

	auto frame = MappedFrame::map(layout);
	ASSERT_FALSE(frame);
	EXPECT_EQ(frame.error().code, EIO);
	EXPECT_EQ(fake.begins(), 1);
	EXPECT_EQ(fake.ends(), 1);
}

TEST_F(MappedFrameTest, PlaneBeyondTheBufferIsRefused)
{
	layout.planes[1].offset += 1;
	EXPECT_EQ(MappedFrame::map(layout).error().code, EINVAL);

	layout.planes[1].offset = SIZE_MAX;
	EXPECT_EQ(MappedFrame::map(layout).error().code, EINVAL);
	EXPECT_EQ(fake.calls(), 0U);
}

TEST_F(MappedFrameTest, BadDescriptorIsReported)
{
	EXPECT_EQ(MappedFrame::map(layoutOf(-1)).error().code, EBADF);
}

TEST_F(MappedFrameTest, WritesOnlyWhenAskedFor)
{
	auto reading = MappedFrame::map(layout);
	ASSERT_TRUE(reading);
	EXPECT_TRUE(reading->writable(0).empty());

	auto writing = MappedFrame::map(layout, Access::ReadWrite);
	ASSERT_TRUE(writing);
	ASSERT_FALSE(writing->writable(0).empty());
	EXPECT_TRUE(writing->writable(2).empty());
	writing->writable(0)[0] = std::byte{0xaa};
	EXPECT_EQ(reading->planes()[0].data[0], std::byte{0xaa});

	ASSERT_TRUE(writing->end());
	EXPECT_TRUE(fake.lastFlags() & DMA_BUF_SYNC_WRITE);
}

TEST_F(MappedFrameTest, StrayWriteFaults)
{
	auto frame = MappedFrame::map(layout);
	ASSERT_TRUE(frame);

	auto *pixel = const_cast<std::byte *>(frame->planes()[0].data.data());
	EXPECT_DEATH(*const_cast<volatile std::byte *>(pixel) = std::byte{1}, "");
}
