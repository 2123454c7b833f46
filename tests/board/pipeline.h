/* SPDX-License-Identifier: MIT */
/*
 * GStreamer pipelines that make the files which the board's sources read.
 */
#pragma once

#include <string>

#include <gst/gst.h>
#include <gtest/gtest.h>

namespace cmacam::board {

/*
 * Runs a pipeline until its end of stream. If the pipeline fails or takes too long, this is a
 * fatal failure of the test. The caller has called gst_init().
 */
inline void runPipeline(const std::string &description)
{
	GstElement *pipeline = gst_parse_launch(description.c_str(), nullptr);
	gst_element_set_state(pipeline, GST_STATE_PLAYING);
	GstBus *bus = gst_element_get_bus(pipeline);
	GstMessage *message = gst_bus_timed_pop_filtered(
		bus, 20 * GST_SECOND,
		static_cast<GstMessageType>(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
	const bool ended = message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS;

	if (message)
		gst_message_unref(message);
	gst_object_unref(bus);
	gst_element_set_state(pipeline, GST_STATE_NULL);
	gst_object_unref(pipeline);
	ASSERT_TRUE(ended) << description;
}

} /* namespace cmacam::board */
