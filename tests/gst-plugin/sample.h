/* SPDX-License-Identifier: MIT */
/*
 * Samples of an appsink that takes the camera's frames without a copy.
 */
#pragma once

#include <memory>

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include "pipeline.h"

namespace cmacam::gst {

/* The longest wait for a frame. It is long because an emulated machine may be slow. */
inline constexpr GstClockTime kFrameLimit = 30 * GST_SECOND;

struct SampleUnref
{
	void operator()(GstSample *sample) const { gst_sample_unref(sample); }
};
using SamplePtr = std::unique_ptr<GstSample, SampleUnref>;

inline SamplePtr pullFrom(const ElementPtr &sink, GstClockTime limit = kFrameLimit)
{
	return SamplePtr(gst_app_sink_try_pull_sample(GST_APP_SINK(sink.get()), limit));
}

inline GstBuffer *bufferOf(const SamplePtr &sample)
{
	return gst_sample_get_buffer(sample.get());
}

inline const GstStructure *capsOf(const SamplePtr &sample)
{
	return gst_caps_get_structure(gst_sample_get_caps(sample.get()), 0);
}

/* Makes a sink keep the camera's own buffers, and not copies: it announces GstVideoMeta. */
inline void takeFramesAsTheyAre(const ElementPtr &sink)
{
	const auto propose = +[](GstAppSink *, GstQuery *query, gpointer) -> gboolean {
		gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
		return TRUE;
	};

	g_object_set(sink.get(), "emit-signals", TRUE, nullptr);
	g_signal_connect(sink.get(), "propose-allocation", G_CALLBACK(propose), nullptr);
}

} /* namespace cmacam::gst */
