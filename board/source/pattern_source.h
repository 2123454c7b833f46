/* SPDX-License-Identifier: MIT */
/*
 * A source that draws a moving pattern. The pattern is different in each frame.
 */
#pragma once

#include <array>
#include <memory>

#include <cmacam-regs.h>

#include "source/source.h"

namespace cmacam::board {

class PatternSource : public Source
{
public:
	PicturePtr picture(uint64_t sequence, Size wanted) override;
	void skip(uint64_t) override {}

private:
	/*
	 * One picture for each size that the channels ask for. The source draws over a
	 * picture that has no other user, because newly allocated pages cost more time.
	 */
	std::array<std::shared_ptr<Picture>, CMACAM_CH_COUNT> pictures_;
	unsigned int turn_ = 0;
};

} /* namespace cmacam::board */
