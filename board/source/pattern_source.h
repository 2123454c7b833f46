/* SPDX-License-Identifier: MIT */
/*
 * A moving synthetic picture, different in each frame.
 */
#pragma once

#include <memory>

#include "source/source.h"

namespace cmacam {

class PatternSource : public Source
{
public:
	PicturePtr picture(uint64_t sequence, Size wanted) override;
	void skip(uint64_t) override {}

private:
	/* Drawn over when nobody holds it any more: fresh pages cost more. */
	std::shared_ptr<Picture> picture_;
};

} /* namespace cmacam */
