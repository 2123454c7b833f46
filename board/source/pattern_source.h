/* SPDX-License-Identifier: MIT */
/*
 * A moving synthetic picture, different in each frame.
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
	 * One for each size that is asked for in turn, drawn over when nobody
	 * holds it any more: fresh pages cost more.
	 */
	std::array<std::shared_ptr<Picture>, CMACAM_CH_COUNT> pictures_;
	unsigned int turn_ = 0;
};

} /* namespace cmacam::board */
