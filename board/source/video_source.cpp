/* SPDX-License-Identifier: MIT */
/*
 * Pictures of a video file, decoded by GStreamer.
 */
#include "source/video_source.h"

#include <algorithm>
#include <format>
#include <stdexcept>
#include <utility>

#include <gst/app/gstappsink.h>
#include <gst/video/video.h>

namespace cmacam::board {

namespace {

/* Planar, as the converters want it. */
constexpr const char *kPipeline =
	"filesrc name=file ! decodebin ! videoconvert ! video/x-raw,format=GBR ! "
	"appsink name=sink sync=false max-buffers=4";

/* Between two looks for an error, which appsink does not end its wait for. */
constexpr GstClockTime kGlance = 50 * GST_MSECOND;
/* A file that yields nothing for so many glances (20 s) never will. */
constexpr int kPatience = 400;

PicturePtr unpack(GstSample *sample)
{
	GstVideoInfo info;
	GstVideoFrame frame;
	if (!gst_video_info_from_caps(&info, gst_sample_get_caps(sample)) ||
	    !gst_video_frame_map(&frame, &info, gst_sample_get_buffer(sample), GST_MAP_READ))
		return nullptr;

	const auto width = static_cast<uint32_t>(GST_VIDEO_FRAME_WIDTH(&frame));
	const auto height = static_cast<uint32_t>(GST_VIDEO_FRAME_HEIGHT(&frame));
	auto picture = std::make_shared<Picture>(Size{width, height});

	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		/* GStreamer's components are numbered R, G, B wherever they lie. */
		const auto *in = static_cast<const uint8_t *>(GST_VIDEO_FRAME_COMP_DATA(&frame, p));
		const int stride = GST_VIDEO_FRAME_COMP_STRIDE(&frame, p);
		for (uint32_t y = 0; y < height; y++, in += stride)
			std::copy_n(in, width, picture->row(static_cast<Picture::Plane>(p), y));
	}

	gst_video_frame_unmap(&frame);
	return picture;
}

} /* namespace */

VideoSource::VideoSource(const std::string &path, AtEnd atEnd) : atEnd_(atEnd)
{
	GError *parseError = nullptr;
	pipeline_.reset(gst_parse_launch(kPipeline, &parseError));
	if (parseError) {
		const std::string reason = parseError->message;
		g_clear_error(&parseError);
		throw std::runtime_error("cannot build the video decoder: " + reason);
	}

	sink_.reset(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "sink"));
	Element file(gst_bin_get_by_name(GST_BIN(pipeline_.get()), "file"));
	g_object_set(file.get(), "location", path.c_str(), nullptr);

	gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
	if (next())
		unpackSample();
	if (!picture_) {
		gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
		throw std::invalid_argument(std::format("cannot play '{}': {}", path, error_));
	}
}

VideoSource::~VideoSource()
{
	gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
}

PicturePtr VideoSource::picture(uint64_t sequence, Size)
{
	advanceTo(sequence);
	if (!unpacked_)
		unpackSample();
	return picture_;
}

void VideoSource::unpackSample()
{
	/* A picture that cannot be read leaves the one before it. */
	if (PicturePtr picture = unpack(sample_.get()))
		picture_ = std::move(picture);
	unpacked_ = true;
}

void VideoSource::skip(uint64_t sequence)
{
	advanceTo(sequence);
}

void VideoSource::advanceTo(uint64_t sequence)
{
	if (sequence < position_) {
		/* Where seeking fails the video goes on instead of starting over. */
		if (rewind())
			next();
		position_ = 0;
	}

	while (position_ < sequence) {
		position_++;
		if (ended_)
			continue;
		if (next())
			continue;
		if (atEnd_ == AtEnd::Loop && rewind() && next())
			continue;
		ended_ = true;
	}
}

bool VideoSource::next()
{
	Sample sample = pull();
	if (!sample)
		return false;

	sample_ = std::move(sample);
	unpacked_ = false;
	return true;
}

VideoSource::Sample VideoSource::pull()
{
	GstAppSink *sink = GST_APP_SINK(sink_.get());

	for (int i = 0; i < kPatience; i++) {
		if (Sample sample{gst_app_sink_try_pull_sample(sink, kGlance)})
			return sample;
		if (gst_app_sink_is_eos(sink) || failed())
			break;
	}

	return nullptr;
}

bool VideoSource::rewind()
{
	if (!gst_element_seek_simple(pipeline_.get(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0))
		return false;

	ended_ = false;
	return true;
}

bool VideoSource::failed()
{
	const std::unique_ptr<GstBus, void (*)(gpointer)> bus(gst_element_get_bus(pipeline_.get()),
							      gst_object_unref);
	GstMessage *message = gst_bus_pop_filtered(bus.get(), GST_MESSAGE_ERROR);
	if (!message)
		return false;

	GError *reason = nullptr;
	gst_message_parse_error(message, &reason, nullptr);
	error_ = reason->message;
	g_clear_error(&reason);
	gst_message_unref(message);
	return true;
}

} /* namespace cmacam::board */
