/* SPDX-License-Identifier: MIT */
/*
 * Pictures of a video file, decoded by GStreamer.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <gst/gst.h>

#include "source/source.h"

namespace cmacam::board {

/*
 * GStreamer's own threads decode a few pictures ahead; a picture is taken from
 * them when its frame starts. The video's frame rate plays no part.
 */
class VideoSource : public Source
{
public:
	enum class AtEnd { Loop, KeepLast };

	/* Throws std::invalid_argument unless the first picture can be decoded. */
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
	/* Whether GStreamer gave the file up; error_ says why. */
	bool failed();

	const AtEnd atEnd_;
	Element pipeline_;
	Element sink_;
	Sample sample_; /* of position_ */
	uint64_t position_ = 0;
	bool ended_ = false;
	std::string error_ = "no picture in it";
	PicturePtr picture_;
	bool unpacked_ = false; /* picture_ is sample_ */
};

} /* namespace cmacam::board */
