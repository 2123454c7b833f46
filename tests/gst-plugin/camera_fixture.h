/* SPDX-License-Identifier: MIT */
/*
 * A pipeline of cmacamsrc and an appsink that runs on a camera.
 */
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "sample.h"

namespace cmacam::gst {

/*
 * The description of the element. CMACAM_TEST_CAMERA is the camera's name. If this variable is
 * not set, the first cmacam camera is used.
 */
inline std::string source()
{
	const char *camera = getenv("CMACAM_TEST_CAMERA");

	return "cmacamsrc name=camera " +
	       (camera ? "camera-name=\"" + std::string(camera) + "\"" : std::string());
}

class CameraTest : public testing::Test
{
protected:
	static constexpr GstClockTime kNothingMore = 500 * GST_MSECOND;

	void SetUp() override { takeFramesAsTheyAre(sink_); }

	SamplePtr pull(GstClockTime limit = kFrameLimit) { return pullFrom(sink_, limit); }

	/* Pulls and keeps frames until the camera has no free buffer. */
	std::vector<SamplePtr> pullAll()
	{
		std::vector<SamplePtr> held;

		held.push_back(pull());
		while (SamplePtr sample = pull(kNothingMore))
			held.push_back(std::move(sample));
		return held;
	}

	/* True if one of the next 16 frames has DISCONT, as the first frame after a pause has. */
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

	/*
	 * The PTS of the first frame for whose PTS `passes` returns true. Returns nothing if
	 * none of 16 frames passes. This is more than the number of earlier frames that can
	 * still be in the pipeline.
	 */
	template <typename Passes>
	std::optional<GstClockTime> timeOnce(Passes passes)
	{
		for (int i = 0; i < 16; i++) {
			const SamplePtr sample = pull();
			if (!sample)
				return std::nullopt;
			if (passes(GST_BUFFER_PTS(bufferOf(sample))))
				return GST_BUFFER_PTS(bufferOf(sample));
		}
		return std::nullopt;
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

} /* namespace cmacam::gst */
