/* SPDX-License-Identifier: MIT */
/*
 * The element on a camera, with pools of the next element that it has to leave.
 * CMACAM_TEST_HEAP is the dma-heap whose memory the pools have.
 */
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "camera_fixture.h"
#include "heap_pool.h"

namespace cmacam::gst {
namespace {

/* More frames than the pool and the pipeline can have at any time. */
constexpr int kFrames = 40;

/* Each allocation query gets a pool of its own. */
class CameraPoolTest : public CameraTest
{
protected:
	void SetUp() override
	{
		ASSERT_TRUE(getenv("CMACAM_TEST_HEAP"));
		g_object_set(sink_.get(), "emit-signals", TRUE, nullptr);
		g_signal_connect(sink_.get(), "propose-allocation", G_CALLBACK(offer), this);
		setSize(640, 480);
	}

	/* The pool of the last query. */
	GstBufferPool *lastPool()
	{
		std::lock_guard lock(mutex_);
		return pools_.empty() ? nullptr : pools_.back().get();
	}

	/* Whether one of the next frames is in a buffer of this pool; all frames before are freed.
	 */
	bool comesToUse(const GstBufferPool *pool)
	{
		for (int i = 0; i < kFrames; i++) {
			const SamplePtr sample = pull();
			if (!sample)
				return false;
			if (bufferOf(sample)->pool == pool)
				return true;
		}
		return false;
	}

private:
	static gboolean offer(GstAppSink *, GstQuery *query, gpointer test)
	{
		auto *self = static_cast<CameraPoolTest *>(test);
		GstCaps *caps;
		GstVideoInfo info;

		gst_query_parse_allocation(query, &caps, nullptr);
		if (!gst_video_info_from_caps(&info, caps))
			return FALSE;
		BufferPoolPtr pool(
			heapPool(getenv("CMACAM_TEST_HEAP"), caps, GST_VIDEO_INFO_SIZE(&info)));
		gst_query_add_allocation_pool(query, pool.get(), GST_VIDEO_INFO_SIZE(&info), 4, 0);
		gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);

		std::lock_guard lock(self->mutex_);
		self->pools_.push_back(std::move(pool));
		return TRUE;
	}

	std::mutex mutex_;
	std::vector<BufferPoolPtr> pools_;
};

TEST_F(CameraPoolTest, AnotherPoolForTheSameCapsIsUsedAndTheOldOneIsReturned)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());
	GstBufferPool *first = lastPool();
	ASSERT_TRUE(comesToUse(first));

	GstPad *pad = gst_element_get_static_pad(sink_.get(), "sink");
	EXPECT_TRUE(gst_pad_push_event(pad, gst_event_new_reconfigure()));
	gst_object_unref(pad);

	GstBufferPool *second = first;
	for (int i = 0; i < kFrames && second == first; i++) {
		ASSERT_TRUE(pull());
		second = lastPool();
	}
	ASSERT_NE(second, first) << "the element has not asked again";
	EXPECT_TRUE(comesToUse(second));
	EXPECT_FALSE(gst_buffer_pool_is_active(first));
	EXPECT_TRUE(gst_buffer_pool_is_active(second));
	EXPECT_EQ(pipeline_.problems().count, 0);
}

/* Replaces the memory of each buffer, as an element that works in place may do. */
GstPadProbeReturn replaceMemory(GstPad *, GstPadProbeInfo *info, gpointer)
{
	GstBuffer *buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));

	gst_buffer_replace_all_memory(
		buffer, gst_allocator_alloc(nullptr, gst_buffer_get_size(buffer), nullptr));
	GST_PAD_PROBE_INFO_DATA(info) = buffer;
	return GST_PAD_PROBE_OK;
}

TEST_F(CameraPoolTest, FramesGoOnIfEachBufferOfThePoolLosesItsMemory)
{
	GstPad *pad = gst_element_get_static_pad(sink_.get(), "sink");
	gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, replaceMemory, nullptr, nullptr);
	gst_object_unref(pad);

	pipeline_.setState(GST_STATE_PLAYING);
	for (int i = 0; i < kFrames; i++)
		ASSERT_TRUE(pull()) << "no frame " << i;

	const auto message = pipeline_.wait(GST_MESSAGE_INFO, 0);
	ASSERT_TRUE(message) << "the element still captures to the pool";
	GError *reason;
	gst_message_parse_info(message.get(), &reason, nullptr);
	EXPECT_NE(std::string(reason->message).find("has no buffer left that it offered"),
		  std::string::npos)
		<< reason->message;
	g_error_free(reason);
	EXPECT_EQ(pipeline_.problems().count, 0);
}

} /* namespace */
} /* namespace cmacam::gst */
