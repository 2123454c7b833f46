/* SPDX-License-Identifier: MIT */
/*
 * Image processing between the scaler and the output format: light, white balance,
 * contrast, brightness, saturation, sharpness.
 */
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <cmacam-regs.h>

#include "pixel/convert.h"
#include "pixel/picture.h"

namespace cmacam::board {

/* A brightness factor for each plane of a picture. */
using Light = std::array<double, Picture::kPlanes>;
/* A table with the output code of each 8-bit input code. */
using Curve = std::array<uint8_t, 256>;

/*
 * The values of the controls. The initial values are the reset values of the registers. With
 * the initial values, image processing changes no pixel.
 */
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

/* Returns the curve that multiplies a code by `factor`, rounds and limits the result to 255. */
Curve lightCurve(double factor);

/* Returns the full-range BT.709 luma of full-range R, G and B. */
constexpr uint8_t fullRangeLuma(uint8_t r, uint8_t g, uint8_t b)
{
	return static_cast<uint8_t>((54 * r + 183 * g + 19 * b + 128) >> 8);
}

/*
 * Processes lines. For each plane, one curve applies light, white balance, contrast and
 * brightness together. Saturation needs the samples of a pixel in all three planes.
 * Sharpness needs the neighbours of a pixel on the same line. The processor skips each
 * step that would change no sample.
 */
class Processor
{
public:
	/*
	 * Starts a frame with lines of `width` pixels. Calculates the curves again only if
	 * `values` differ from the values of the frame before.
	 */
	void start(const Processing &values, std::size_t width);

	/*
	 * Returns the processed line, which may refer to the samples of `line`. The result
	 * becomes invalid when `line` becomes invalid, and when process() is called the second
	 * time after this call.
	 */
	RgbLine process(const RgbLine &line);

private:
	using Rows = std::array<std::vector<uint8_t>, Picture::kPlanes>;

	void makeCurves();

	Processing values_;
	std::array<Curve, Picture::kPlanes> curves_{};
	std::array<bool, Picture::kPlanes> neutral_ = {true, true, true};
	Rows curved_;	 /* output of the curves, if saturation or sharpness follows */
	Rows saturated_; /* output of saturation, if sharpness follows */
	std::array<Rows, 2> result_;
	unsigned int turn_ = 0;
};

} /* namespace cmacam::board */
