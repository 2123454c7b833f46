/* SPDX-License-Identifier: MIT */
/*
 * The controls of image processing. One row each: its register, its limits and
 * its reset value, sampling at start of frame, and the entry of the completion
 * ring follow from it. What the pixels make of it is in pixel/processing.cpp.
 */
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <cmacam-regs.h>

#include "pixel/processing.h"

namespace cmacam::board {

struct Control
{
	uint32_t offset; /* CMACAM_ISP_* */
	int32_t min;	 /* a negative one makes the register signed */
	int32_t max;
	int32_t Adjustments::*value;
	decltype(cmacam_completion::red_gain) cmacam_completion::*reported;

	/* What was written, moved into the limits. */
	int32_t clamp(uint32_t written) const
	{
		const int64_t wanted =
			min < 0 ? int64_t{static_cast<int32_t>(written)} : int64_t{written};
		return static_cast<int32_t>(std::clamp<int64_t>(wanted, min, max));
	}
};

inline constexpr std::array kControls = {
	Control{CMACAM_ISP_RED_GAIN, CMACAM_ISP_COLOUR_GAIN_MIN, CMACAM_ISP_COLOUR_GAIN_MAX,
		&Adjustments::redGain, &cmacam_completion::red_gain},
	Control{CMACAM_ISP_BLUE_GAIN, CMACAM_ISP_COLOUR_GAIN_MIN, CMACAM_ISP_COLOUR_GAIN_MAX,
		&Adjustments::blueGain, &cmacam_completion::blue_gain},
	Control{CMACAM_ISP_BRIGHTNESS, CMACAM_ISP_BRIGHTNESS_MIN, CMACAM_ISP_BRIGHTNESS_MAX,
		&Adjustments::brightness, &cmacam_completion::brightness},
	Control{CMACAM_ISP_CONTRAST, 0, CMACAM_ISP_FACTOR_MAX, &Adjustments::contrast,
		&cmacam_completion::contrast},
	Control{CMACAM_ISP_SATURATION, 0, CMACAM_ISP_FACTOR_MAX, &Adjustments::saturation,
		&cmacam_completion::saturation},
	Control{CMACAM_ISP_SHARPNESS, 0, CMACAM_ISP_FACTOR_MAX, &Adjustments::sharpness,
		&cmacam_completion::sharpness},
};

/* The control of a register; null for a register of something else. */
inline const Control *controlAt(uint32_t offset)
{
	const auto *found = std::ranges::find(kControls, offset, &Control::offset);
	return found == kControls.end() ? nullptr : found;
}

} /* namespace cmacam::board */
