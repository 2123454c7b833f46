/* SPDX-License-Identifier: MIT */
/*
 * One picture, from an image file, in every frame.
 */
#pragma once

#include <string>

#include "source/source.h"

namespace cmacam::board {

class ImageSource : public Source
{
public:
	/* Whether the file starts as a PNG, JPEG or binary PPM does. */
	static bool recognises(const std::string &path);

	/* Throws std::invalid_argument, one sentence, for a file that is broken or cut short. */
	explicit ImageSource(const std::string &path);

	PicturePtr picture(uint64_t, Size) override { return picture_; }
	void skip(uint64_t) override {}

private:
	PicturePtr picture_;
};

} /* namespace cmacam::board */
