/* SPDX-License-Identifier: MIT */
/*
 * FrameWriter: the meta tells the camera's layout, a copy has GStreamer's.
 */
#include "frame_buffer.h"

#include <gtest/gtest.h>
#include <libcamera/formats.h>

namespace cmacam::gst {
namespace {

constexpr libcamera::Size kSize{8, 4};
constexpr unsigned int kStride = 32;
constexpr size_t kFrame = kStride * 6;
constexpr guint8 kPadding = 0xee;

FrameLayout layout(unsigned int stride)
{
	return *contiguousLayout(-1, PixelFormat::Nv12, kSize.width, kSize.height, stride);
}

/* Each pixel byte tells its row and column, each padding byte that it is one. */
MemoryPtr paddedFrame()
{
	MemoryPtr memory(gst_allocator_alloc(nullptr, kFrame, nullptr));
	GstMapInfo map;

	gst_memory_map(memory.get(), &map, GST_MAP_WRITE);
	for (size_t i = 0; i < kFrame; i++)
		map.data[i] = i % kStride < kSize.width ? i / kStride * 16 + i % kStride : kPadding;
	gst_memory_unmap(memory.get(), &map);

	return memory;
}

TEST(FrameWriter, WrapDescribesTheCamerasLayout)
{
	const FrameWriter writer(layout(kStride));
	MemoryPtr memory = paddedFrame();
	const GstMemory *identity = memory.get();
	const BufferPtr buffer = writer.wrap(std::move(memory));
	const GstVideoMeta *meta = gst_buffer_get_video_meta(buffer.get());

	EXPECT_EQ(gst_buffer_peek_memory(buffer.get(), 0), identity);
	ASSERT_NE(meta, nullptr);
	EXPECT_EQ(meta->format, GST_VIDEO_FORMAT_NV12);
	EXPECT_EQ(meta->n_planes, 2u);
	EXPECT_EQ(meta->stride[0], int(kStride));
	EXPECT_EQ(meta->stride[1], int(kStride));
	EXPECT_EQ(meta->offset[1], kStride * 4);
}

void countFreed(gpointer count, GstMiniObject *)
{
	++*static_cast<int *>(count);
}

/* The shell of a frame that was freed, with its metas as they were. */
TEST(FrameWriter, ShellsComeRound)
{
	const FrameWriter writer(layout(kStride));
	MemoryPtr memory = paddedFrame();
	gst_memory_ref(memory.get());
	GstMemory *const shared = memory.get();

	BufferPtr buffer = writer.wrap(std::move(memory));
	int freed = 0;
	gst_mini_object_weak_ref(GST_MINI_OBJECT_CAST(buffer.get()), countFreed, &freed);
	gst_buffer_get_video_meta(buffer.get())->width = 1;
	GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_CORRUPTED);
	buffer.reset();
	EXPECT_EQ(GST_MINI_OBJECT_REFCOUNT_VALUE(shared), 1) << "a shell keeps no frame";

	buffer = writer.wrap(MemoryPtr(shared));
	EXPECT_EQ(freed, 0) << "the same shell, not a new one at its address";
	EXPECT_EQ(gst_buffer_get_video_meta(buffer.get())->width, kSize.width);
	EXPECT_FALSE(GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_CORRUPTED));
	EXPECT_EQ(gst_buffer_get_size(buffer.get()), kFrame);
	gst_mini_object_weak_unref(GST_MINI_OBJECT_CAST(buffer.get()), countFreed, &freed);
}

TEST(FrameWriter, BuffersOutliveIt)
{
	BufferPtr buffer;
	{
		const FrameWriter writer(layout(kStride));
		buffer = writer.wrap(paddedFrame());
	}
	EXPECT_EQ(gst_buffer_get_video_meta(buffer.get())->stride[0], int(kStride));
}

TEST(FrameWriter, ReferenceTimesAreOnWrappedAndOnCopiedFrames)
{
	const FrameWriter writer(layout(kStride));
	const MemoryPtr memory = paddedFrame();
	const CapsPtr unixTime(gst_caps_new_empty_simple("timestamp/x-unix"));
	const CapsPtr monotonic(gst_caps_new_empty_simple("timestamp/x-clock-monotonic"));

	for (GstClockTime time : {7, 9}) {
		const BufferPtr wrapped = writer.wrap(MemoryPtr(gst_memory_ref(memory.get())));
		const BufferPtr copied = writer.copy(memory.get());
		for (GstBuffer *buffer : {wrapped.get(), copied.get()}) {
			setReferenceTimes(buffer, {.monotonic = time, .unixTime = time + 1000});
			const auto *mono =
				gst_buffer_get_reference_timestamp_meta(buffer, monotonic.get());
			const auto *wall =
				gst_buffer_get_reference_timestamp_meta(buffer, unixTime.get());
			ASSERT_TRUE(mono && wall);
			EXPECT_EQ(mono->timestamp, time);
			EXPECT_EQ(wall->timestamp, time + 1000);
		}
	}
}

TEST(FrameWriter, CopyDropsThePaddingAndNothingElse)
{
	const FrameWriter writer(layout(kStride));
	const MemoryPtr memory = paddedFrame();
	const BufferPtr buffer = writer.copy(memory.get());
	GstMapInfo map;

	ASSERT_TRUE(buffer);
	ASSERT_TRUE(gst_buffer_map(buffer.get(), &map, GST_MAP_READ));
	ASSERT_EQ(map.size, 8u * 6);
	for (size_t i = 0; i < map.size; i++)
		EXPECT_EQ(map.data[i], i / 8 * 16 + i % 8) << "byte " << i;
	gst_buffer_unmap(buffer.get(), &map);
}

TEST(FrameWriter, OnlyGStreamersOwnLayoutCountsAsDefault)
{
	EXPECT_TRUE(FrameWriter(layout(8)).layoutIsDefault());
	EXPECT_FALSE(FrameWriter(layout(kStride)).layoutIsDefault());

	auto trailing = layout(8);
	trailing.planes[1].length += 64;
	EXPECT_FALSE(FrameWriter(trailing).layoutIsDefault());

	auto gap = layout(8);
	gap.planes[1].offset += 64;
	EXPECT_FALSE(FrameWriter(gap).layoutIsDefault());
}

} /* namespace */
} /* namespace cmacam::gst */
