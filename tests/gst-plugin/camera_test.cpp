/* SPDX-License-Identifier: MIT */
/*
 * The element on a camera: states, pauses, held frames, new caps, clocks.
 * CMACAM_TEST_CAMERA names the camera; unset, it is the first cmacam camera.
 * CMACAM_TEST_CYCLES and CMACAM_TEST_RENEGOTIATIONS say how often.
 */
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <vector>

#include <gst/allocators/gstdmabuf.h>
#include <gst/app/gstappsink.h>
#include <gst/check/gsttestclock.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "manager.h"
#include "pipeline.h"

namespace cmacam::gst {
namespace {

constexpr GstClockTime kFrameLimit = 30 * GST_SECOND;
constexpr GstClockTime kNothingMore = 500 * GST_MSECOND;
constexpr GstClockTime kStopLimit = 5 * GST_SECOND;

struct SampleUnref
{
	void operator()(GstSample *sample) const { gst_sample_unref(sample); }
};
using SamplePtr = std::unique_ptr<GstSample, SampleUnref>;

std::string source()
{
	const char *camera = getenv("CMACAM_TEST_CAMERA");

	return "cmacamsrc name=camera " +
	       (camera ? "camera-name=\"" + std::string(camera) + "\"" : std::string());
}

int times(const char *variable, int otherwise)
{
	const char *number = getenv(variable);

	return number ? atoi(number) : otherwise;
}

GstBuffer *bufferOf(const SamplePtr &sample)
{
	return gst_sample_get_buffer(sample.get());
}

class CameraTest : public testing::Test
{
protected:
	void SetUp() override
	{
		/* A sink that takes frames as they are: none is copied. */
		g_object_set(sink_.get(), "emit-signals", TRUE, nullptr);
		g_signal_connect(sink_.get(), "propose-allocation", G_CALLBACK(proposeVideoMeta),
				 nullptr);
	}

	static gboolean proposeVideoMeta(GstAppSink *, GstQuery *query, gpointer)
	{
		gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
		return TRUE;
	}

	SamplePtr pull(GstClockTime limit = kFrameLimit)
	{
		return SamplePtr(gst_app_sink_try_pull_sample(GST_APP_SINK(sink_.get()), limit));
	}

	/* Keep every frame until the camera has no buffer left. */
	std::vector<SamplePtr> pullAll()
	{
		std::vector<SamplePtr> held;

		held.push_back(pull());
		while (SamplePtr sample = pull(kNothingMore))
			held.push_back(std::move(sample));
		return held;
	}

	/* Whether a frame comes that is marked as the first after a pause. */
	bool resumes()
	{
		for (int i = 0; i < 16; i++) {
			const SamplePtr sample = pull();
			if (!sample)
				return false;
			if (GST_BUFFER_FLAG_IS_SET(bufferOf(sample), GST_BUFFER_FLAG_DISCONT))
				return true;
		}
		return false;
	}

	void setSize(int width, int height)
	{
		const CapsPtr caps(gst_caps_new_simple("video/x-raw", "width", G_TYPE_INT, width,
						       "height", G_TYPE_INT, height, nullptr));
		g_object_set(pipeline_.element("filter").get(), "caps", caps.get(), nullptr);
	}

	Pipeline pipeline_{source() + " ! capsfilter name=filter ! appsink name=sink sync=false"};
	ElementPtr camera_ = pipeline_.element("camera");
	ElementPtr sink_ = pipeline_.element("sink");
};

TEST_F(CameraTest, CyclesThroughItsStates)
{
	/* As with a second element: libcamera stays, what we do not give back is missed. */
	MaybeError error;
	const auto manager = sharedCameraManager(error);

	for (int i = 0; i < times("CMACAM_TEST_CYCLES", 20); i++) {
		pipeline_.setState(GST_STATE_PLAYING);
		const SamplePtr sample = pull();
		ASSERT_TRUE(sample) << "round " << i;
		EXPECT_EQ(GST_BUFFER_OFFSET(bufferOf(sample)), 0u);
		EXPECT_EQ(pipeline_.setState(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
		EXPECT_EQ(pipeline_.setState(GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
		EXPECT_EQ(pipeline_.setState(i % 2 ? GST_STATE_READY : GST_STATE_NULL),
			  GST_STATE_CHANGE_SUCCESS);
	}
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(CameraTest, FramesAreDmabufsInSequence)
{
	pipeline_.setState(GST_STATE_PLAYING);
	GstClockTime last = 0;

	for (guint64 i = 0; i < 8; i++) {
		const SamplePtr sample = pull();
		ASSERT_TRUE(sample);
		GstBuffer *buffer = bufferOf(sample);

		ASSERT_EQ(gst_buffer_n_memory(buffer), 1u);
		EXPECT_TRUE(gst_is_dmabuf_memory(gst_buffer_peek_memory(buffer, 0)));
		EXPECT_GE(GST_BUFFER_OFFSET(buffer), i);
		EXPECT_TRUE(i == 0 || GST_BUFFER_PTS(buffer) > last);
		last = GST_BUFFER_PTS(buffer);
	}
}

/* Whether @address is in a mapping of a dma-buf. */
static bool isMapped(const void *address)
{
	std::ifstream maps("/proc/self/maps");

	for (std::string line; std::getline(maps, line);) {
		uintptr_t begin, end;
		if (sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR, &begin, &end) == 2 &&
		    uintptr_t(address) >= begin && uintptr_t(address) < end)
			return line.find("/dmabuf:") != std::string::npos;
	}
	return false;
}

TEST_F(CameraTest, AMappingIsKeptFromFrameToFrame)
{
	std::map<const GstMemory *, const guint8 *> mappings;

	pipeline_.setState(GST_STATE_PLAYING);
	for (int i = 0; i < 12; i++) {
		const SamplePtr sample = pull();
		ASSERT_TRUE(sample);
		GstMemory *memory = gst_buffer_peek_memory(bufferOf(sample), 0);
		GstMapInfo map;
		ASSERT_TRUE(gst_memory_map(memory, &map, GST_MAP_READ));
		/* Unmapping clears it. */
		const guint8 *data = map.data;
		gst_memory_unmap(memory, &map);

		EXPECT_TRUE(isMapped(data)) << "frame " << i;
		EXPECT_EQ(mappings.emplace(memory, data).first->second, data);
	}

	/* Those, too, that are with the camera again. */
	EXPECT_LE(mappings.size(), 6u);
	for (const auto &[memory, data] : mappings)
		EXPECT_TRUE(isMapped(data));
}

TEST_F(CameraTest, APauseIsNotALoss)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());
	pipeline_.setState(GST_STATE_PAUSED);

	/* At most what was on the way comes out, then nothing. */
	for (int i = 0; i < 8 && pull(kNothingMore); i++)
		ASSERT_LT(i, 7);

	pipeline_.setState(GST_STATE_PLAYING);
	EXPECT_TRUE(resumes());
	EXPECT_FALSE(pipeline_.wait(GST_MESSAGE_QOS, 0));
}

/* Faster than the streaming thread can notice. */
TEST_F(CameraTest, PausesAndPlaysInOneBreath)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());

	for (int i = 0; i < 40; i++) {
		pipeline_.setState(GST_STATE_PAUSED);
		pipeline_.setState(GST_STATE_PLAYING);
		ASSERT_TRUE(resumes()) << "round " << i;
	}
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(CameraTest, AnEosEventEndsTheStream)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());

	gst_element_send_event(pipeline_.get(), gst_event_new_eos());
	while (pull(kStopLimit))
		;
	EXPECT_TRUE(gst_app_sink_is_eos(GST_APP_SINK(sink_.get())));
}

TEST_F(CameraTest, StopsAtOnceWhileEveryFrameIsHeld)
{
	pipeline_.setState(GST_STATE_PLAYING);
	std::vector<SamplePtr> held = pullAll();
	ASSERT_GE(held.size(), 2u);

	const GstClockTime before = gst_util_get_timestamp();
	EXPECT_EQ(pipeline_.setState(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
	EXPECT_LT(gst_util_get_timestamp() - before, kStopLimit);

	/* The pixels outlive the stream, and new frames do not overwrite them. */
	pipeline_.setState(GST_STATE_PLAYING);
	EXPECT_TRUE(pull());
	for (const SamplePtr &sample : held) {
		GstMapInfo map;
		ASSERT_TRUE(gst_buffer_map(bufferOf(sample), &map, GST_MAP_READ));
		EXPECT_GT(map.size, 0u);
		gst_buffer_unmap(bufferOf(sample), &map);
	}
}

TEST_F(CameraTest, HealsWhenHeldFramesReturn)
{
	pipeline_.setState(GST_STATE_PLAYING);
	std::vector<SamplePtr> held = pullAll();
	const guint64 last = GST_BUFFER_OFFSET(bufferOf(held.back()));

	held.clear();
	const SamplePtr next = pull();
	ASSERT_TRUE(next);
	EXPECT_GT(GST_BUFFER_OFFSET(bufferOf(next)), last);
}

TEST_F(CameraTest, NewCapsWhilePlaying)
{
	setSize(324, 200);
	pipeline_.setState(GST_STATE_PLAYING);
	const SamplePtr old = pull();
	ASSERT_TRUE(old);

	for (int round = 0; round < times("CMACAM_TEST_RENEGOTIATIONS", 4); round++) {
		const int wanted = round % 2 ? 324 : 800;
		setSize(wanted, round % 2 ? 200 : 600);

		int width = 0;
		gsize size = 0;
		for (int i = 0; i < 100 && width != wanted; i++) {
			const SamplePtr sample = pull();
			ASSERT_TRUE(sample);
			size = gst_buffer_get_size(bufferOf(sample));
			gst_structure_get_int(
				gst_caps_get_structure(gst_sample_get_caps(sample.get()), 0),
				"width", &width);
		}
		EXPECT_EQ(width, wanted);
		EXPECT_EQ(size > 640 * 480, wanted == 800) << size << " bytes";
	}
	EXPECT_EQ(pipeline_.problems().count, 0);

	GstMapInfo map;
	ASSERT_TRUE(gst_buffer_map(bufferOf(old), &map, GST_MAP_READ));
	EXPECT_GE(map.size, 324u * 200 * 3 / 2);
	gst_buffer_unmap(bufferOf(old), &map);
}

TEST_F(CameraTest, ASecondElementFindsTheCameraBusy)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());

	Pipeline second(source() + " ! fakesink");
	EXPECT_EQ(second.setState(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
	const Problems problems = second.problems();
	EXPECT_EQ(problems.count, 1);
	EXPECT_EQ(problems.code, GST_RESOURCE_ERROR_BUSY);
	EXPECT_NE(problems.text.find("in use"), std::string::npos) << problems.text;

	EXPECT_TRUE(pull());
}

TEST_F(CameraTest, TimestampsFollowAForeignClock)
{
	const ClockPtr clock(gst_test_clock_new_with_start_time(1000 * GST_SECOND));
	gst_pipeline_use_clock(GST_PIPELINE(pipeline_.get()), clock.get());

	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());
	gst_test_clock_set_time(GST_TEST_CLOCK(clock.get()), 1100 * GST_SECOND);

	/* Those captured before the clock jumped may still be on the way. */
	GstClockTime time = 0;
	for (int i = 0; i < 16 && time < 90 * GST_SECOND; i++) {
		const SamplePtr sample = pull();
		ASSERT_TRUE(sample);
		time = GST_BUFFER_PTS(bufferOf(sample));
	}
	EXPECT_GE(time, 90 * GST_SECOND);
	EXPECT_LE(time, 100 * GST_SECOND);
}

TEST_F(CameraTest, AFlushBeginsTimeAnew)
{
	const ClockPtr clock(gst_test_clock_new_with_start_time(1000 * GST_SECOND));
	gst_pipeline_use_clock(GST_PIPELINE(pipeline_.get()), clock.get());

	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());
	gst_test_clock_set_time(GST_TEST_CLOCK(clock.get()), 1100 * GST_SECOND);

	GstClockTime time = 0;
	for (int i = 0; i < 16 && time < 90 * GST_SECOND; i++) {
		const SamplePtr sample = pull();
		ASSERT_TRUE(sample);
		time = GST_BUFFER_PTS(bufferOf(sample));
	}
	ASSERT_GE(time, 90 * GST_SECOND);

	gst_element_send_event(camera_.get(), gst_event_new_flush_start());
	gst_element_send_event(camera_.get(), gst_event_new_flush_stop(TRUE));
	for (int i = 0; i < 16 && time > GST_SECOND; i++) {
		const SamplePtr sample = pull();
		ASSERT_TRUE(sample);
		time = GST_BUFFER_PTS(bufferOf(sample));
	}
	EXPECT_LE(time, GST_SECOND);
}

TEST_F(CameraTest, LatencyIsOneFrameToAllBuffers)
{
	pipeline_.setState(GST_STATE_PLAYING);
	const SamplePtr sample = pull();
	ASSERT_TRUE(sample);

	GstQuery *query = gst_query_new_latency();
	gboolean live = FALSE;
	GstClockTime min = 0, max = 0;
	EXPECT_TRUE(gst_element_query(camera_.get(), query));
	gst_query_parse_latency(query, &live, &min, &max);
	gst_query_unref(query);

	gint numerator = 0, denominator = 1;
	gst_structure_get_fraction(gst_caps_get_structure(gst_sample_get_caps(sample.get()), 0),
				   "framerate", &numerator, &denominator);
	EXPECT_TRUE(live);
	EXPECT_NEAR(min, gst_util_uint64_scale(GST_SECOND, denominator, numerator), 1000);
	EXPECT_GE(max, 2 * min);
	EXPECT_EQ(max % min, 0u);
}

/* libcamera heeds exposure and gain in the manual modes only. */
static void setManual(GstElement *camera)
{
	gst_util_set_object_arg(G_OBJECT(camera), "exposure-time-mode", "manual");
	gst_util_set_object_arg(G_OBJECT(camera), "analogue-gain-mode", "manual");
}

/* Frames already under way have the old exposure: there are no more of them than buffers. */
TEST_F(CameraTest, AControlReachesTheSensorAndIsReadBack)
{
	setManual(GST_ELEMENT(camera_.get()));
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());

	for (int wanted : {3000, 9000}) {
		g_object_set(camera_.get(), "exposure-time", wanted, "analogue-gain",
			     wanted / 3000.0, nullptr);
		int exposure = 0;
		float gain = 0;
		/* Two properties, which may go with one frame or with two. */
		const auto arrived = [&] {
			return abs(exposure - wanted) <= 50 && fabs(gain - wanted / 3000.0) <= 0.01;
		};
		for (int i = 0; i < 16 && !arrived(); i++) {
			ASSERT_TRUE(pull());
			g_object_get(camera_.get(), "exposure-time", &exposure, "analogue-gain",
				     &gain, nullptr);
		}
		EXPECT_NEAR(exposure, wanted, 50);
		EXPECT_NEAR(gain, wanted / 3000.0, 0.01);
	}
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(CameraTest, AControlSetBeforeTheStartHoldsForTheFirstFrame)
{
	setManual(GST_ELEMENT(camera_.get()));
	g_object_set(camera_.get(), "exposure-time", 4000, nullptr);
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());

	int exposure = 0;
	g_object_get(camera_.get(), "exposure-time", &exposure, nullptr);
	EXPECT_NEAR(exposure, 4000, 50);
}

TEST_F(CameraTest, AnImpossibleControlIsOneClearErrorAtTheStart)
{
	g_object_set(camera_.get(), "analogue-gain", 1000.0, nullptr);
	EXPECT_EQ(pipeline_.setState(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);

	const Problems problems = pipeline_.problems();
	EXPECT_EQ(problems.count, 1);
	EXPECT_EQ(problems.code, GST_RESOURCE_ERROR_SETTINGS);
	EXPECT_EQ(problems.text.find("analogue-gain=1000"), 0u) << problems.text;
}

TEST_F(CameraTest, AnImpossibleControlWhilePlayingIsAWarningAndChangesNothing)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());
	g_object_set(camera_.get(), "analogue-gain", 1000.0, nullptr);
	EXPECT_TRUE(pipeline_.wait(GST_MESSAGE_WARNING, 0));

	g_object_set(camera_.get(), "lens-position", 1.0, nullptr);
	EXPECT_TRUE(pipeline_.wait(GST_MESSAGE_WARNING, 0)) << "this camera has no lens";
	EXPECT_TRUE(pull());
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(CameraTest, TheLimitsOfTheCameraAreAProperty)
{
	pipeline_.setState(GST_STATE_PAUSED);

	GstStructure *all = nullptr;
	g_object_get(camera_.get(), "control-limits", &all, nullptr);
	ASSERT_NE(all, nullptr);
	EXPECT_TRUE(gst_structure_has_field(all, "exposure-time"));
	gst_structure_free(all);
}

/* Frame durations allow one rate only: it is in the caps, then the other one. */
TEST_F(CameraTest, FrameDurationLimitsChangeTheRate)
{
	gst_util_set_object_arg(G_OBJECT(camera_.get()), "frame-duration-limits", "<50000, 50000>");
	pipeline_.setState(GST_STATE_PLAYING);

	const auto rateIs = [this](int wanted) {
		gint numerator = 0, denominator = 1;
		for (int i = 0; i < 32 && numerator != wanted * denominator; i++) {
			const SamplePtr sample = pull();
			if (!sample)
				return false;
			gst_structure_get_fraction(
				gst_caps_get_structure(gst_sample_get_caps(sample.get()), 0),
				"framerate", &numerator, &denominator);
		}
		return numerator == wanted * denominator;
	};

	EXPECT_TRUE(rateIs(20));
	gst_util_set_object_arg(G_OBJECT(camera_.get()), "frame-duration-limits", "<40000, 40000>");
	EXPECT_TRUE(rateIs(25));
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(CameraTest, ReferenceTimesAreTheStartOfExposure)
{
	const CapsPtr unixTime(gst_caps_new_empty_simple("timestamp/x-unix"));
	const CapsPtr monotonic(gst_caps_new_empty_simple("timestamp/x-clock-monotonic"));

	/* A pipeline on the monotonic clock: base time and PTS say the same. */
	pipeline_.setState(GST_STATE_PLAYING);
	GstClockTime last = 0;
	for (int i = 0; i < 4; i++) {
		const SamplePtr sample = pull();
		ASSERT_TRUE(sample);
		GstBuffer *buffer = bufferOf(sample);
		const auto *mono = gst_buffer_get_reference_timestamp_meta(buffer, monotonic.get());
		const auto *wall = gst_buffer_get_reference_timestamp_meta(buffer, unixTime.get());

		ASSERT_TRUE(mono && wall);
		EXPECT_GT(mono->timestamp, last);
		last = mono->timestamp;
		EXPECT_NEAR(
			double(mono->timestamp),
			double(gst_element_get_base_time(camera_.get()) + GST_BUFFER_PTS(buffer)),
			double(GST_SECOND) / 10);
		const GstClockTime now = g_get_real_time() * GST_USECOND;
		EXPECT_LT(wall->timestamp, now);
		EXPECT_GT(wall->timestamp, now - 60 * GST_SECOND);
	}
}

TEST_F(CameraTest, AnImpossibleSizeIsOneClearError)
{
	setSize(30000, 200);
	pipeline_.setState(GST_STATE_PLAYING);

	const Problems problems = pipeline_.problems(2 * GST_SECOND);
	EXPECT_EQ(problems.count, 1);
	EXPECT_EQ(problems.domain, GST_RESOURCE_ERROR);
	EXPECT_EQ(problems.code, GST_RESOURCE_ERROR_SETTINGS);
	EXPECT_NE(problems.text.find("30000"), std::string::npos) << problems.text;
	EXPECT_NE(problems.text.find("it offers"), std::string::npos) << problems.text;
}

} /* namespace */
} /* namespace cmacam::gst */
