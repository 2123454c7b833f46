/* SPDX-License-Identifier: MIT */
/*
 * Frames as leases: who gets the buffer back and when, who is said to hold it,
 * copies that are none.
 */

#include <cerrno>
#include <gtest/gtest.h>
#include <optional>
#include <thread>
#include <vector>

#include <cmacam/frame.h>

#include "allocations.h"
#include "fake_dma_buf.h"
#include "fake_source.h"

using cmacam::Access;
using cmacam::Frame;
using cmacam::LeaseTable;
using cmacam::Stream;

namespace {

class FrameTest : public testing::Test
{
protected:
	Frame take(unsigned int buffer, std::uint32_t sequence = 7)
	{
		return {source, buffer, {sequence, 1000}};
	}

	FakeDmaBufs fake;
	std::shared_ptr<FakeSource> source = std::make_shared<FakeSource>();
};

} /* namespace */

TEST_F(FrameTest, GivesTheBufferBackOnce)
{
	{
		Frame frame = take(1);
		EXPECT_EQ(frame.sequence(), 7U);
		EXPECT_EQ(frame.timestamp(), 1000);
		EXPECT_EQ(frame.buffer(), 1U);

		std::optional<Frame> moved(std::move(frame));
		EXPECT_FALSE(frame.isValid());
		EXPECT_EQ(source->returned[1], 0U);
		moved->release();
		EXPECT_EQ(source->returned[1], 1U);
		moved->release();
	}
	EXPECT_EQ(source->returned[1], 1U);
	EXPECT_TRUE(source->leases.holders().empty());
}

TEST_F(FrameTest, AssignmentGivesTheOldOneBack)
{
	Frame a = take(0);
	Frame b = take(1);
	a = std::move(b);
	EXPECT_EQ(source->returned[0], 1U);
	EXPECT_EQ(source->returned[1], 0U);
	EXPECT_EQ(a.buffer(), 1U);
}

TEST_F(FrameTest, TheLastLeaseCounts)
{
	std::optional<Frame> recorder;
	{
		Frame frame = take(2);
		frame.hold("detector");
		recorder.emplace(frame.share());
		recorder->hold("recorder");
		EXPECT_EQ(source->leases.holders().size(), 2U);
	}
	EXPECT_EQ(source->returned[2], 0U);
	ASSERT_EQ(source->leases.holders().size(), 1U);
	EXPECT_EQ(source->leases.holders()[0].name, "recorder");
	recorder.reset();
	EXPECT_EQ(source->returned[2], 1U);
}

TEST_F(FrameTest, FramesKeepTheirSource)
{
	FakeSource::destroyed = 0;
	{
		Frame frame = take(0);
		source.reset();
		EXPECT_EQ(FakeSource::destroyed, 0U);
		ASSERT_TRUE(frame.map());
	}
	EXPECT_EQ(FakeSource::destroyed, 1U);
}

TEST_F(FrameTest, WhatIsReleasedShowsNothing)
{
	Frame frame = take(0);
	frame.release();
	EXPECT_EQ(frame.map().error().code, EBADF);
	EXPECT_EQ(frame.layout().error().code, EBADF);
	EXPECT_EQ(frame.copy().error().code, EBADF);
	EXPECT_TRUE(frame.metadata().empty());
	EXPECT_FALSE(frame.share().isValid());
	frame.hold("nobody");
}

TEST_F(FrameTest, MapsForReadingUnlessToldOtherwise)
{
	Frame frame = take(0);
	auto reading = frame.map();
	ASSERT_TRUE(reading);
	EXPECT_TRUE(reading->writable(0).empty());

	auto writing = frame.map(Stream::Main, Access::ReadWrite);
	ASSERT_TRUE(writing);
	writing->writable(0)[3] = std::byte{0xaa};
	EXPECT_EQ(reading->planes()[0].data[3], std::byte{0xaa});

	auto part = frame.roi({2, 2, 4, 4});
	ASSERT_TRUE(part);
	EXPECT_EQ(part->width(), 4U);
	EXPECT_EQ(frame.map(Stream::Lores).error().code, ENOENT);
}

TEST_F(FrameTest, LayoutHasTheMappingsOwnDescriptor)
{
	Frame frame = take(0);
	auto layout = frame.layout();
	ASSERT_TRUE(layout);
	EXPECT_EQ((*layout)->planes[0].stride, FakeSource::kStride);
	EXPECT_TRUE(cmacam::dmaBufSize((*layout)->planes[0].fd))
		<< "the one it was made of is closed";
}

TEST_F(FrameTest, MetadataByName)
{
	Frame frame = take(2);
	EXPECT_EQ(frame.metadata().size(), 2U);
	EXPECT_EQ(frame.metadata("Buffer"), cmacam::ControlValue(std::int64_t{2}));
	EXPECT_EQ(frame.metadata("AnalogueGain"), cmacam::ControlValue(1.5));
	EXPECT_EQ(frame.gain(), 1.5);
	EXPECT_FALSE(frame.exposure());
	EXPECT_FALSE(frame.wallClock());
	EXPECT_FALSE(frame.metadata("Lux"));
}

TEST_F(FrameTest, ACopyIsNoLease)
{
	std::optional<Frame> frame = take(1, 12);
	auto copy = frame->copy();
	ASSERT_TRUE(copy);
	{
		auto writing = frame->map(Stream::Main, Access::ReadWrite);
		writing->writable(0)[5] = std::byte{0xaa};
	}
	frame.reset();
	EXPECT_EQ(source->returned[1], 1U);
	EXPECT_EQ(copy->sequence(), 12U);
	EXPECT_EQ(copy->metadata("Buffer"), cmacam::ControlValue(std::int64_t{1}));

	const unsigned int calls = fake.calls();
	auto pixels = copy->map();
	ASSERT_TRUE(pixels);
	EXPECT_EQ(pixels->planes()[0].data[5], std::byte{5}) << "as it was when copied";
	EXPECT_EQ(std::to_integer<unsigned int>(pixels->planes()[1].line(2)[9]),
		  (FakeSource::kStride * (FakeSource::kHeight + 2) + 9) % 251);
	ASSERT_TRUE(copy->roi({1, 1, 3, 3}));
	EXPECT_EQ(fake.calls(), calls) << "nothing to synchronise";
}

TEST_F(FrameTest, FromADmaBuf)
{
	auto fd = FakeDmaBufs::create(FakeSource::kStride * FakeSource::kHeight * 3 / 2);
	auto frame = Frame::fromDmaBuf(FakeSource::layoutOf(fd.get()), {3, 4});
	fd.reset();
	ASSERT_TRUE(frame);
	EXPECT_EQ(frame->sequence(), 3U);
	auto pixels = frame->map();
	ASSERT_TRUE(pixels);
	EXPECT_EQ(pixels->gray()->data[9], std::byte{9});

	EXPECT_EQ(Frame::fromDmaBuf(FakeSource::layoutOf(-1)).error().code, EBADF);
}

TEST_F(FrameTest, CostsNoAllocation)
{
	static_cast<void>(take(0));
	const unsigned int before = allocations();
	for (std::uint32_t i = 0; i < 10; i++) {
		Frame frame = take(i % FakeSource::kBuffers, i);
		frame.hold("a name that is too long to be kept in a string");
		auto pixels = frame.map();
		EXPECT_TRUE(pixels);
	}
	EXPECT_EQ(allocations(), before);
}

TEST_F(FrameTest, LeasesFromManyThreads)
{
	std::vector<std::jthread> threads;
	for (unsigned int i = 0; i < FakeSource::kBuffers; i++)
		threads.emplace_back([this, i] {
			for (int j = 0; j < 500; j++) {
				Frame frame = take(i);
				Frame second = frame.share();
				frame.release();
			}
		});
	threads.clear();
	for (const auto &returned : source->returned)
		EXPECT_EQ(returned, 500U);
	EXPECT_TRUE(source->leases.holders().empty());
}

TEST(LeaseTableTest, Words)
{
	LeaseTable table;
	EXPECT_EQ(table.describe(), "nobody holds a buffer");

	const auto first = table.take(0, 5);
	table.name(first, "detector");
	const auto second = table.take(1, 6);
	table.name(second, "detector");
	table.take(2, 7);
	EXPECT_EQ(table.describe(), "detector holds 2 buffers (frames 5, 6; 0.0 s); "
				    "an unnamed holder holds 1 buffer (frame 7; 0.0 s)");

	EXPECT_TRUE(table.end(first));
	EXPECT_TRUE(table.end(second));
	EXPECT_EQ(table.holders().size(), 1U);
}

TEST(LeaseTableTest, LongNamesAreCut)
{
	LeaseTable table;
	table.name(table.take(0, 0), std::string(100, 'x'));
	EXPECT_EQ(table.holders()[0].name, std::string(31, 'x'));
}
