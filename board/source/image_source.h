/* SPDX-License-Identifier: MIT */
/*
 * A source that shows the picture of an image file in every frame.
 */
#pragma once

#include <string>

#include "source/source.h"

namespace cmacam::board {

class ImageSource : public Source
{
public:
	/* Whether the first bytes of the file are those of a PNG, JPEG or binary PPM. */
	static bool recognises(const std::string &path);

	/* Throws std::invalid_argument with one sentence if the file is broken or cut short. */
	explicit ImageSource(const std::string &path);

	PicturePtr picture(uint64_t, Size) override { return picture_; }
	void skip(uint64_t) override {}

private:
	PicturePtr picture_;
};

} /* namespace cmacam::board */
