/* SPDX-License-Identifier: MIT */
/*
 * gst-launch with an eye on one pad: tells the kernel's trace of each buffer
 * that reaches the element called "sink". Runs until it is killed.
 */

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <gst/gst.h>
#include <memory>

#include "frames.h"

namespace {

struct Unref
{
	void operator()(gpointer object) const { gst_object_unref(object); }
	void operator()(GstMessage *message) const { gst_message_unref(message); }
	void operator()(GError *error) const { g_error_free(error); }
};

template <typename T>
using Ptr = std::unique_ptr<T, Unref>;

GstPadProbeReturn arrived(GstPad *, GstPadProbeInfo *, gpointer marker)
{
	static_cast<const bench::Marker *>(marker)->frame();
	return GST_PAD_PROBE_OK;
}

int run(const std::string &description, const bench::Marker &marker)
{
	GError *problem = nullptr;
	Ptr<GstElement> pipeline(gst_parse_launch(description.c_str(), &problem));
	const Ptr<GError> error(problem);
	if (error) {
		fprintf(stderr, "frames_gst: %s\n", error->message);
		return EXIT_FAILURE;
	}
	const Ptr<GstElement> sink(gst_bin_get_by_name(GST_BIN(pipeline.get()), "sink"));
	const Ptr<GstPad> pad(gst_element_get_static_pad(sink.get(), "sink"));
	gst_pad_add_probe(pad.get(), GST_PAD_PROBE_TYPE_BUFFER, arrived,
			  const_cast<bench::Marker *>(&marker), nullptr);
	gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
	const Ptr<GstBus> bus(gst_element_get_bus(pipeline.get()));
	const Ptr<GstMessage> message(gst_bus_timed_pop_filtered(
		bus.get(), GST_CLOCK_TIME_NONE,
		static_cast<GstMessageType>(GST_MESSAGE_ERROR | GST_MESSAGE_EOS)));
	fprintf(stderr, "frames_gst: %s ended the stream\n", GST_MESSAGE_SRC_NAME(message.get()));
	gst_element_set_state(pipeline.get(), GST_STATE_NULL);
	return EXIT_FAILURE;
}

int parseAndRun(int argc, char **argv)
{
	std::string description;
	std::string marker;
	CLI::App app{"Run a GStreamer pipeline until this program is killed"};
	app.add_option("pipeline", description,
		       "GStreamer pipeline that has an element with name=sink")
		->required();
	app.add_option("--marker", marker,
		       "path of the trace_marker that gets a line for each buffer")
		->required();
	CLI11_PARSE(app, argc, argv);

	gst_init(nullptr, nullptr);
	return run(description, bench::Marker(marker));
}

} /* namespace */

int main(int argc, char **argv)
{
	return bench::mainOf("frames_gst", parseAndRun, argc, argv);
}
