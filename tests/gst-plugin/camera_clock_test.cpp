/* SPDX-License-Identifier: MIT */
/*
 * The element on a camera: time stamps and latency.
 */
#include <gst/check/gsttestclock.h>
#include <gst/gst.h>
#include <gtest/gtest.h>

#include "camera_fixture.h"

namespace cmacam::gst {
namespace {

/* A clock of its own, which stands still at 1000 s. */
ClockPtr playOnTestClock(Pipeline &pipeline)
{
	ClockPtr clock(gst_test_clock_new_with_start_time(1000 * GST_SECOND));
	gst_pipeline_use_clock(GST_PIPELINE(pipeline.get()), clock.get());
	pipeline.setState(GST_STATE_PLAYING);
	return clock;
}

TEST_F(CameraTest, TimestampsFollowAForeignClock)
{
	const ClockPtr clock = playOnTestClock(pipeline_);
	ASSERT_TRUE(pull());

	gst_test_clock_set_time(GST_TEST_CLOCK(clock.get()), 1100 * GST_SECOND);
	const auto time = timeOnce([](GstClockTime t) { return t >= 90 * GST_SECOND; });
	ASSERT_TRUE(time);
	EXPECT_LE(*time, 100 * GST_SECOND);
}

TEST_F(CameraTest, AFlushBeginsTimeAnew)
{
	const ClockPtr clock = playOnTestClock(pipeline_);
	ASSERT_TRUE(pull());
	gst_test_clock_set_time(GST_TEST_CLOCK(clock.get()), 1100 * GST_SECOND);
	ASSERT_TRUE(timeOnce([](GstClockTime t) { return t >= 90 * GST_SECOND; }));

	/* On its way to PLAYING the pipeline may miss that the sink loses its state. */
	EXPECT_EQ(gst_element_get_state(pipeline_.get(), nullptr, nullptr, kFrameLimit),
		  GST_STATE_CHANGE_SUCCESS);

	gst_element_send_event(camera_.get(), gst_event_new_flush_start());
	gst_element_send_event(camera_.get(), gst_event_new_flush_stop(TRUE));
	EXPECT_TRUE(timeOnce([](GstClockTime t) { return t <= GST_SECOND; }));
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
	gst_structure_get_fraction(capsOf(sample), "framerate", &numerator, &denominator);
	EXPECT_TRUE(live);
	EXPECT_NEAR(min, gst_util_uint64_scale(GST_SECOND, denominator, numerator), 1000);
	EXPECT_GE(max, 2 * min);
	EXPECT_EQ(max % min, 0u);
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

} /* namespace */
} /* namespace cmacam::gst */
