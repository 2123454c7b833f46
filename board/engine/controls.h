/* SPDX-License-Identifier: MIT */
/*
 * A table of the controls of image processing. Each row defines one control: its
 * register, its limits, its member of Adjustments and its member of the completion
 * entry. The initial value of the member of Adjustments is also the reset value of the
 * register. pixel/processing.cpp applies the values to the pixels.
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
	uint32_t offset; /* offset of the register, CMACAM_ISP_* */
	int32_t min;	 /* if negative, the register is signed */
	int32_t max;
	int32_t Adjustments::*value;
	decltype(cmacam_completion::red_gain) cmacam_completion::*reported;

	/* Returns the written register value, limited to min and max. */
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

/* Returns the control of a register; null if the register belongs to no control. */
inline const Control *controlAt(uint32_t offset)
{
	const auto *found = std::ranges::find(kControls, offset, &Control::offset);
	return found == kControls.end() ? nullptr : found;
}

} /* namespace cmacam::board */
