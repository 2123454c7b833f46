/* SPDX-License-Identifier: MIT */
/*
 * A source that shows the pictures of a video file. GStreamer decodes the file.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <gst/gst.h>

#include "source/source.h"

namespace cmacam::board {

/*
 * Threads of GStreamer decode up to four pictures in advance. The source takes the next
 * picture for each frame of the sensor and ignores the frame rate of the video.
 */
class VideoSource : public Source
{
public:
	enum class AtEnd { Loop, KeepLast };

	/*
	 * Throws std::invalid_argument if the first picture cannot be decoded, and
	 * std::runtime_error if GStreamer cannot build the decoder.
	 */
	VideoSource(const std::string &path, AtEnd atEnd);
	~VideoSource() override;

	PicturePtr picture(uint64_t sequence, Size wanted) override;
	void skip(uint64_t sequence) override;

private:
	struct Unref
	{
		void operator()(GstElement *element) const { gst_object_unref(element); }
		void operator()(GstSample *sample) const { gst_sample_unref(sample); }
	};
	using Element = std::unique_ptr<GstElement, Unref>;
	using Sample = std::unique_ptr<GstSample, Unref>;

	void advanceTo(uint64_t sequence);
	bool next();
	void unpackSample();
	bool rewind();
	Sample pull();
	/* Whether GStreamer reported an error. Stores the text of the error in error_. */
	bool failed();

	const AtEnd atEnd_;
	Element pipeline_;
	Element sink_;
	Sample sample_; /* the decoded picture at position_ */
	uint64_t position_ = 0;
	bool ended_ = false;
	std::string error_ = "no picture in it";
	PicturePtr picture_;
	bool unpacked_ = false; /* picture_ has the pixels of sample_ */
};

} /* namespace cmacam::board */
