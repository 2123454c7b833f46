/* SPDX-License-Identifier: MIT */
/*
 * A pipeline under test, and the errors it has posted.
 */
#pragma once

#include <memory>
#include <string>

#include <gst/gst.h>

#include "gst_ptr.h"

namespace cmacam::gst {

struct Problems
{
	int count = 0;
	/* The next three members describe the last error. */
	GQuark domain = 0;
	int code = 0;
	std::string text;
};

struct ElementUnref
{
	void operator()(GstElement *element) const { gst_object_unref(element); }
};
using ElementPtr = std::unique_ptr<GstElement, ElementUnref>;

class Pipeline
{
public:
	explicit Pipeline(const std::string &description)
		: pipeline_(gst_parse_launch(description.c_str(), nullptr))
	{
	}

	~Pipeline()
	{
		if (pipeline_)
			setState(GST_STATE_NULL);
	}

	GstElement *get() const { return pipeline_.get(); }

	GstStateChangeReturn setState(GstState state)
	{
		return gst_element_set_state(pipeline_.get(), state);
	}

	ElementPtr element(const char *name) const
	{
		return ElementPtr(gst_bin_get_by_name(GST_BIN(pipeline_.get()), name));
	}

	/* Waits up to @limit for a message of @types. Returns the message, or null. */
	std::unique_ptr<GstMessage, GstUnref> wait(int types, GstClockTime limit)
	{
		GstBus *bus = gst_element_get_bus(pipeline_.get());
		GstMessage *message = gst_bus_timed_pop_filtered(bus, limit, GstMessageType(types));
		gst_object_unref(bus);
		return std::unique_ptr<GstMessage, GstUnref>(message);
	}

	/*
	 * The errors that were posted since the last call. With @limit, the function waits up
	 * to this time for the first error. Then it sets the pipeline to READY, which ends
	 * the streaming threads, and adds the errors that these threads still posted.
	 */
	Problems problems(GstClockTime limit = 0)
	{
		Problems problems;

		while (const auto message = wait(GST_MESSAGE_ERROR, limit)) {
			GError *error;
			gst_message_parse_error(message.get(), &error, nullptr);
			problems = {problems.count + 1, error->domain, error->code, error->message};
			g_error_free(error);
			if (limit)
				setState(GST_STATE_READY);
			limit = 0;
		}
		return problems;
	}

private:
	ElementPtr pipeline_;
};

} /* namespace cmacam::gst */
