/* SPDX-License-Identifier: MIT */
/*
 * The signal snapshot with a camera without a board: stills beside the frames of the pad.
 */
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <gst/allocators/gstdmabuf.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "fake_camera.h"
#include "frame_meta.h"
#include "manager.h"
#include "sample.h"

using namespace std::chrono_literals;

namespace cmacam::gst {
namespace {

constexpr auto kLimit = 20s;

class SnapshotTest : public testing::Test
{
protected:
	using Snapshot = std::future<SamplePtr>;

	void SetUp() override
	{
		auto manager = sharedManager();
		ASSERT_TRUE(manager) << manager.error().what;
		manager_ = *std::move(manager);
		make("still-caps=video/x-raw");
	}

	void make(const std::string &properties)
	{
		pipeline_.emplace("cmacamsrc name=camera " + properties +
				  " ! capsfilter name=filter "
				  "caps=video/x-raw,format=GRAY8,width=160,height=120 "
				  "! appsink name=sink sync=false enable-last-sample=false");
		camera_ = pipeline_->element("camera");
		sink_ = pipeline_->element("sink");
		takeFramesAsTheyAre(sink_);
	}

	static bool await(const std::function<bool()> &done)
	{
		const auto end = std::chrono::steady_clock::now() + kLimit;
		while (!done()) {
			if (std::chrono::steady_clock::now() > end)
				return false;
			std::this_thread::yield();
		}
		return true;
	}

	/* The camera makes a frame, which the sink pushes out again. */
	SamplePtr next()
	{
		const auto finish = [this] {
			bool done = false;
			fake_.run([&] { done = fake_.tryFinish(sequence_); });
			return done;
		};
		if (!await(finish)) {
			ADD_FAILURE() << "the camera has no request";
			return nullptr;
		}
		SamplePtr sample = pullFrom(sink_);
		if (!sample) {
			ADD_FAILURE() << "no frame";
			return nullptr;
		}
		EXPECT_EQ(GST_BUFFER_OFFSET(bufferOf(sample)), sequence_);
		sequence_++;
		return sample;
	}

	void play()
	{
		pipeline_->setState(GST_STATE_PLAYING);
		sequence_ = 0;
		EXPECT_TRUE(next());
	}

	SamplePtr emit(GstClockTime timeout)
	{
		GstSample *sample = nullptr;
		g_signal_emit_by_name(camera_.get(), "snapshot", guint64(timeout), &sample);
		return SamplePtr(sample);
	}

	/* A snapshot that waits, with the camera's newest request. */
	Snapshot snapshotUnderWay()
	{
		Snapshot snapshot = std::async(std::launch::async,
					       [this] { return emit(GST_CLOCK_TIME_NONE); });
		while (fake_.buffersOfNewest() != 2 && next()) {
		}
		return snapshot;
	}

	/* A whole one, while frames go on; @beside is the frame of the same exposure. */
	SamplePtr take(SamplePtr *beside = nullptr)
	{
		Snapshot snapshot = snapshotUnderWay();
		SamplePtr frame;
		for (size_t ahead = fake_.requests(); ahead; ahead--)
			frame = next();
		if (beside)
			*beside = std::move(frame);
		return snapshot.get();
	}

	std::string warning()
	{
		const auto message = pipeline_->wait(GST_MESSAGE_WARNING, kFrameLimit);
		if (!message)
			return "no warning";
		GError *error;
		gst_message_parse_warning(message.get(), &error, nullptr);
		const std::string text = error->message;
		g_error_free(error);
		return text;
	}

	void expectEnd(Snapshot snapshot)
	{
		EXPECT_FALSE(snapshot.get());
		EXPECT_EQ(
			warning(),
			"No snapshot: cmacamsrc does not play, or was paused, flushed or stopped");
	}

	FakeCamera fake_;
	std::shared_ptr<libcamera::CameraManager> manager_;
	std::optional<Pipeline> pipeline_;
	ElementPtr camera_;
	ElementPtr sink_;
	uint32_t sequence_ = 0;
};

TEST_F(SnapshotTest, IsFullSizeAndTheFramesGoOn)
{
	play();
	/* More than there are buffers for stills. */
	for (int i = 0; i < 5; i++) {
		SamplePtr frame;
		const SamplePtr sample = take(&frame);
		ASSERT_TRUE(sample) << warning();
		ASSERT_TRUE(frame);

		const StringPtr caps(gst_caps_to_string(gst_sample_get_caps(sample.get())));
		EXPECT_STREQ(caps.get(), "video/x-raw, format=(string)GRAY8, width=(int)640, "
					 "height=(int)480, framerate=(fraction)0/1");
		GstBuffer *buffer = bufferOf(sample);
		ASSERT_EQ(gst_buffer_n_memory(buffer), 1U);
		EXPECT_TRUE(gst_is_dmabuf_memory(gst_buffer_peek_memory(buffer, 0)));
		EXPECT_EQ(gst_buffer_get_size(buffer), 640U * 480U);
		const GstVideoMeta *meta = gst_buffer_get_video_meta(buffer);
		ASSERT_TRUE(meta);
		EXPECT_EQ(meta->width, 640U);

		EXPECT_EQ(GST_BUFFER_OFFSET(buffer), GST_BUFFER_OFFSET(bufferOf(frame)));
		GstCustomMeta *fields = gst_buffer_get_custom_meta(buffer, kFrameMeta);
		guint number = 0;
		ASSERT_TRUE(fields && gst_structure_get_uint(gst_custom_meta_get_structure(fields),
							     "sequence", &number));
		EXPECT_EQ(number, GST_BUFFER_OFFSET(buffer));
	}
	EXPECT_EQ(fake_.buffersOfNewest(), 1U) << "between snapshots there are no stills";
	EXPECT_EQ(pipeline_->problems().count, 0);
}

TEST_F(SnapshotTest, APauseEndsTheWait)
{
	play();
	Snapshot snapshot = snapshotUnderWay();
	pipeline_->setState(GST_STATE_PAUSED);
	expectEnd(std::move(snapshot));

	EXPECT_FALSE(emit(GST_CLOCK_TIME_NONE)) << "it does not play";
	EXPECT_NE(warning().find("does not play"), std::string::npos);
}

TEST_F(SnapshotTest, AFlushEndsTheWaitAndTheNextOneIsTaken)
{
	play();
	Snapshot snapshot = snapshotUnderWay();
	gst_element_send_event(camera_.get(), gst_event_new_flush_start());
	expectEnd(std::move(snapshot));
	gst_element_send_event(camera_.get(), gst_event_new_flush_stop(TRUE));
	EXPECT_TRUE(take());
}

TEST_F(SnapshotTest, AStopEndsTheWaitAndTheCameraIsFree)
{
	for (int i = 0; i < 3; i++) {
		play();
		Snapshot snapshot = snapshotUnderWay();
		pipeline_->setState(GST_STATE_READY);
		expectEnd(std::move(snapshot));
		EXPECT_FALSE(emit(GST_SECOND));
		EXPECT_EQ(warning(), "No snapshot: the camera is not open");
	}
	EXPECT_EQ(pipeline_->problems().count, 0);
}

TEST_F(SnapshotTest, AnUnplugEndsTheWait)
{
	play();
	Snapshot snapshot = snapshotUnderWay();
	fake_.run([this] { fake_.unplug(); });
	EXPECT_FALSE(snapshot.get());

	/* In either order: a warning for the snapshot, and an error for the frames. */
	int seen = 0;
	for (int i = 0; i < 2; i++) {
		const auto message =
			pipeline_->wait(GST_MESSAGE_WARNING | GST_MESSAGE_ERROR, kFrameLimit);
		ASSERT_TRUE(message);
		seen |= GST_MESSAGE_TYPE(message.get());
	}
	EXPECT_EQ(seen, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
}

TEST_F(SnapshotTest, TheTimeIsLimited)
{
	play();
	EXPECT_FALSE(emit(GST_MSECOND));
	EXPECT_EQ(warning(), "No snapshot: none came within 1 ms");
	EXPECT_TRUE(take());
}

TEST_F(SnapshotTest, WhoHoldsAllOfThemIsTold)
{
	play();
	SamplePtr first = take();
	const SamplePtr second = take();
	ASSERT_TRUE(first && second);
	EXPECT_FALSE(emit(GST_MSECOND));
	EXPECT_NE(warning().find("still holds the snapshots before it"), std::string::npos);
	EXPECT_TRUE(next());
	first.reset();
	EXPECT_TRUE(take());
}

TEST_F(SnapshotTest, ASampleOutlivesTheElement)
{
	play();
	const SamplePtr sample = take();
	ASSERT_TRUE(sample);
	camera_.reset();
	sink_.reset();
	pipeline_.reset();
	EXPECT_EQ(gst_buffer_get_size(bufferOf(sample)), 640U * 480U);
}

TEST_F(SnapshotTest, NewCapsOfTheFramesChangeNoStills)
{
	play();
	EXPECT_TRUE(take());
	const CapsPtr caps(gst_caps_from_string("video/x-raw,format=GRAY8,width=320,height=240"));
	g_object_set(pipeline_->element("filter").get(), "caps", caps.get(), nullptr);

	/* A frame that is finished just before the change is dropped, so not each one comes. */
	gint width = 0;
	const auto flow = [&] {
		fake_.run([this] { sequence_ += fake_.tryFinish(sequence_); });
		if (const SamplePtr sample = pullFrom(sink_, 10 * GST_MSECOND))
			gst_structure_get_int(capsOf(sample), "width", &width);
	};
	ASSERT_TRUE(await([&] {
		flow();
		return width == 320;
	}));

	Snapshot snapshot = std::async(std::launch::async, [this] { return emit(kFrameLimit); });
	ASSERT_TRUE(await([&] {
		flow();
		return snapshot.wait_for(0s) == std::future_status::ready;
	}));
	const SamplePtr sample = snapshot.get();
	ASSERT_TRUE(sample) << warning();
	EXPECT_EQ(gst_buffer_get_size(bufferOf(sample)), 640U * 480U);
}

TEST_F(SnapshotTest, WithoutStillCapsTheWarningNamesThem)
{
	make("");
	play();
	EXPECT_FALSE(emit(GST_CLOCK_TIME_NONE));
	EXPECT_NE(warning().find("set still-caps=video/x-raw"), std::string::npos);
	EXPECT_TRUE(next());
}

TEST_F(SnapshotTest, CapsThatTheCameraDoesNotHaveAreAnError)
{
	make("still-caps=video/x-raw,width=5000");
	EXPECT_EQ(pipeline_->setState(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
	const Problems errors = pipeline_->problems();
	EXPECT_EQ(errors.count, 1);
	EXPECT_EQ(errors.code, GST_RESOURCE_ERROR_SETTINGS);
	EXPECT_NE(errors.text.find("has no stills of the caps video/x-raw, width=(int)5000"),
		  std::string::npos)
		<< errors.text;
}

} /* namespace */
} /* namespace cmacam::gst */
