/* SPDX-License-Identifier: MIT */
/*
 * A GstBuffer of dma-buf memory becomes a frame.
 */

#include <atomic>
#include <cerrno>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

#include <cmacam/gstreamer.h>

#include "fake_dma_buf.h"

using cmacam::frameOf;

namespace {

constexpr int kWidth = 60;
constexpr int kHeight = 40;
constexpr int kStride = 128;
constexpr std::size_t kStart = 4096;

class GstFrameTest : public testing::Test
{
protected:
	static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

	GstFrameTest()
	{
		gst_video_info_set_format(&info, GST_VIDEO_FORMAT_NV12, kWidth, kHeight);

		GstAllocator *allocator = gst_dmabuf_allocator_new();
		auto fd = FakeDmaBufs::create(kStart + kStride * kHeight * 2);
		GstMemory *memory = gst_dmabuf_allocator_alloc(allocator, fd.release(),
							       kStart + kStride * kHeight * 2);
		gst_object_unref(allocator);
		gst_memory_resize(memory, kStart, kStride * kHeight * 2);

		buffer = gst_buffer_new();
		gst_buffer_append_memory(buffer, memory);
		gsize offset[GST_VIDEO_MAX_PLANES] = {0, kStride * kHeight};
		gint stride[GST_VIDEO_MAX_PLANES] = {kStride, kStride};
		gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE,
					       GST_VIDEO_FORMAT_NV12, kWidth, kHeight, 2, offset,
					       stride);
		GST_BUFFER_OFFSET(buffer) = 12;
		GST_BUFFER_PTS(buffer) = 34;
	}
	~GstFrameTest() override { gst_clear_buffer(&buffer); }

	FakeDmaBufs fake;
	GstVideoInfo info{};
	GstBuffer *buffer;
};

} /* namespace */

TEST_F(GstFrameTest, ShowsThePlanesWhereTheMetaSays)
{
	auto frame = frameOf(buffer, info);
	ASSERT_TRUE(frame) << frame.error().what;
	EXPECT_EQ(frame->sequence(), 12U);
	EXPECT_EQ(frame->timestamp(), 34);

	auto pixels = frame->map();
	ASSERT_TRUE(pixels);
	EXPECT_EQ(pixels->planes()[0].stride, static_cast<unsigned int>(kStride));
	EXPECT_EQ(std::to_integer<unsigned int>(pixels->planes()[0].line(2)[5]),
		  (kStart + 2 * kStride + 5) % 251);
	EXPECT_EQ(std::to_integer<unsigned int>(pixels->planes()[1].line(3)[7]),
		  (kStart + kStride * (kHeight + 3) + 7) % 251);
}

/* As behind a tee, where the meta is that of another buffer with the same memory. */
TEST_F(GstFrameTest, TellsWhatTheMetaOfCmacamsrcTells)
{
	EXPECT_FALSE(cmacam::infoOf(buffer));
	const GstMetaInfo *info = gst_meta_register_custom_simple("GstCmacamFrame");
	EXPECT_FALSE(cmacam::infoOf(buffer)) << "it is known, but this buffer has none";
	auto *meta = reinterpret_cast<GstCustomMeta *>(gst_buffer_add_meta(buffer, info, nullptr));
	gst_structure_set(gst_custom_meta_get_structure(meta), "sequence", G_TYPE_UINT, 7U, "lost",
			  G_TYPE_UINT, 2U, "timestamp", G_TYPE_UINT64, guint64{5000000001},
			  "wall-clock", G_TYPE_UINT64, guint64{1700000000000000003},
			  "exposure-time", G_TYPE_INT64, gint64{9999}, "frame-duration",
			  G_TYPE_INT64, gint64{33333}, "analogue-gain", G_TYPE_DOUBLE, 1.5,
			  "digital-gain", G_TYPE_DOUBLE, 2.0, "ae-state", G_TYPE_STRING,
			  "converged", nullptr);

	GstBuffer *branch = gst_buffer_copy(buffer);
	auto frame = frameOf(branch, this->info);
	gst_clear_buffer(&branch);
	ASSERT_TRUE(frame) << frame.error().what;
	EXPECT_EQ(frame->sequence(), 7U);
	EXPECT_EQ(frame->timestamp(), 5000000001);
	EXPECT_EQ(frame->info().lost, 2U);
	EXPECT_EQ(frame->info().aeState, cmacam::AeState::Converged);
	EXPECT_EQ(frame->exposure(), std::chrono::microseconds(9999));
	EXPECT_EQ(frame->gain(), 1.5);
	EXPECT_EQ(frame->duration(), std::chrono::microseconds(33333));
	EXPECT_EQ(frame->wallClock(), std::chrono::nanoseconds(1700000000000000003));
	EXPECT_EQ(frame->metadata().size(), 7U);
}

TEST_F(GstFrameTest, WithoutTheMetaNothingIsInvented)
{
	auto frame = frameOf(buffer, info);
	ASSERT_TRUE(frame);
	EXPECT_TRUE(frame->metadata().empty());
	EXPECT_FALSE(frame->exposure());
}

TEST_F(GstFrameTest, KeepsTheBufferUntilItIsReleased)
{
	auto frame = frameOf(buffer, info);
	ASSERT_TRUE(frame);
	EXPECT_EQ(GST_MINI_OBJECT_REFCOUNT_VALUE(buffer), 2);
	frame->release();
	EXPECT_EQ(GST_MINI_OBJECT_REFCOUNT_VALUE(buffer), 1);
}

TEST_F(GstFrameTest, MapsAMemoryOnce)
{
	auto first = frameOf(buffer, info);
	auto second = frameOf(buffer, info);
	ASSERT_TRUE(first && second);
	EXPECT_EQ(*first->layout(), *second->layout()) << "the same mapping";

	/* Another layout of the same memory is another mapping; the first stays good. */
	gst_buffer_get_video_meta(buffer)->offset[1] = kStride * (kHeight + 1);
	auto third = frameOf(buffer, info);
	ASSERT_TRUE(third);
	EXPECT_NE(*first->layout(), *third->layout());
	EXPECT_TRUE(first->map());
}

/* As the branches behind a tee do; the thread sanitiser reports a race without the lock. */
TEST_F(GstFrameTest, SeveralThreadsMakeFramesOfOneMemory)
{
	std::atomic<int> made = 0;
	const auto make = [&] {
		for (int i = 0; i < 200; i++)
			made += frameOf(buffer, info) ? 1 : 0;
	};
	{
		const std::jthread one(make), two(make);
	}
	EXPECT_EQ(made, 400);
}

TEST_F(GstFrameTest, OrdinaryMemoryIsRefused)
{
	GstBuffer *ordinary = gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&info), nullptr);
	EXPECT_EQ(frameOf(ordinary, info).error().code, EINVAL);
	gst_clear_buffer(&ordinary);

	GstVideoInfo other;
	gst_video_info_set_format(&other, GST_VIDEO_FORMAT_I420, kWidth, kHeight);
	EXPECT_EQ(frameOf(buffer, other).error().code, EINVAL);
}
