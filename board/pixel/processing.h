/* SPDX-License-Identifier: MIT */
/*
 * What happens to samples between scaler and output format: light, white
 * balance, contrast, brightness, saturation, sharpness.
 */
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <cmacam-regs.h>

#include "pixel/convert.h"
#include "pixel/picture.h"

namespace cmacam::board {

/* A factor of the picture for each of its planes. */
using Light = std::array<double, Picture::kPlanes>;
/* What becomes of each code. */
using Curve = std::array<uint8_t, 256>;

/* The values of the controls; at first those that change nothing, which registers have after a
 * reset. */
struct Adjustments
{
	int32_t redGain = CMACAM_ISP_UNITY;    /* 1/256 */
	int32_t blueGain = CMACAM_ISP_UNITY;   /* 1/256 */
	int32_t brightness = 0;		       /* 8-bit codes */
	int32_t contrast = CMACAM_ISP_UNITY;   /* 1/256 */
	int32_t saturation = CMACAM_ISP_UNITY; /* 1/256 */
	int32_t sharpness = 0;		       /* 1/256 */

	bool operator==(const Adjustments &) const = default;
};

struct Processing
{
	Light light = {1, 1, 1};
	Adjustments adjustments = {};

	bool operator==(const Processing &) const = default;
};

/* Multiplies, rounds and saturates. */
Curve lightCurve(double factor);

/* BT.709 luma of full-range codes, full range. */
constexpr uint8_t fullRangeLuma(uint8_t r, uint8_t g, uint8_t b)
{
	return static_cast<uint8_t>((54 * r + 183 * g + 19 * b + 128) >> 8);
}

/*
 * What works on one code of one plane comes down to one curve for each plane.
 * Saturation looks at the three planes of a pixel, sharpness at its neighbours on
 * the line. What would change nothing is not done.
 */
class Processor
{
public:
	/* The curves are kept while the values are. */
	void start(const Processing &values, std::size_t width);

	/* Valid until the next but one call, and as long as `line` is. */
	RgbLine process(const RgbLine &line);

private:
	using Rows = std::array<std::vector<uint8_t>, Picture::kPlanes>;

	void makeCurves();

	Processing values_;
	std::array<Curve, Picture::kPlanes> curves_{};
	std::array<bool, Picture::kPlanes> neutral_ = {true, true, true};
	Rows curved_;	 /* behind the curves, where more follows */
	Rows saturated_; /* behind saturation, where sharpness follows */
	std::array<Rows, 2> result_;
	unsigned int turn_ = 0;
};

} /* namespace cmacam::board */
