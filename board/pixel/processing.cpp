/* SPDX-License-Identifier: MIT */
/*
 * What happens to samples between scaler and output format: light, white
 * balance, contrast, brightness, saturation, sharpness.
 */
#include "pixel/processing.h"

#include <algorithm>
#include <cmath>

namespace cmacam::board {

namespace {

constexpr double kUnity = CMACAM_ISP_UNITY;
constexpr double kMiddle = 128; /* what contrast leaves */

uint8_t toCode(double value)
{
	return static_cast<uint8_t>(std::clamp(std::floor(value + 0.5), 0.0, 255.0));
}

void apply(const Curve &curve, const uint8_t *__restrict in, uint8_t *__restrict out,
	   std::size_t count)
{
	for (std::size_t i = 0; i < count; i++)
		out[i] = curve[in[i]];
}

/* Operands of 16 bits: the vectoriser multiplies no wider ones on every CPU. */
uint8_t saturated(int16_t luma, uint8_t code, int16_t factor)
{
	const auto distance = static_cast<int16_t>(code - luma);
	const int32_t value = luma + ((distance * factor + 128) >> 8);
	return static_cast<uint8_t>(std::clamp(value, 0, 255));
}

void saturate(const RgbLine &line, uint8_t *__restrict outR, uint8_t *__restrict outG,
	      uint8_t *__restrict outB, std::size_t count, int16_t factor)
{
	const uint8_t *__restrict r = line.r;
	const uint8_t *__restrict g = line.g;
	const uint8_t *__restrict b = line.b;

	for (std::size_t i = 0; i < count; i++) {
		const int16_t luma = fullRangeLuma(r[i], g[i], b[i]);
		outR[i] = saturated(luma, r[i], factor);
		outG[i] = saturated(luma, g[i], factor);
		outB[i] = saturated(luma, b[i], factor);
	}
}

RgbLine view(const std::array<const uint8_t *, Picture::kPlanes> &planes)
{
	return {planes[Picture::kRed], planes[Picture::kGreen], planes[Picture::kBlue]};
}

/* What stands out from the mean of its neighbours stands out more. */
uint8_t sharpened(int16_t left, int16_t code, int16_t right, int16_t factor)
{
	const auto edge = static_cast<int16_t>(2 * code - left - right);
	const int32_t value = code + ((edge * factor + 512) >> 10);
	return static_cast<uint8_t>(std::clamp(value, 0, 255));
}

/* The first and the last code of a line are their own neighbours. */
void sharpen(const uint8_t *__restrict in, uint8_t *__restrict out, std::size_t count,
	     int16_t factor)
{
	const std::size_t last = count - 1;

	for (std::size_t i = 1; i < last; i++)
		out[i] = sharpened(in[i - 1], in[i], in[i + 1], factor);
	out[0] = sharpened(in[0], in[0], in[1], factor);
	out[last] = sharpened(in[last - 1], in[last], in[last], factor);
}

} /* namespace */

Curve lightCurve(double factor)
{
	Curve curve;

	for (unsigned int code = 0; code < curve.size(); code++)
		curve[code] = toCode(code * factor);
	return curve;
}

void Processor::makeCurves()
{
	const std::array<double, Picture::kPlanes> gains = {values_.adjustments.redGain / kUnity, 1,
							    values_.adjustments.blueGain / kUnity};

	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		curves_[p] = lightCurve(values_.light[p]);
		neutral_[p] = true;
		for (unsigned int code = 0; code < curves_[p].size(); code++) {
			const double balanced = toCode(curves_[p][code] * gains[p]);
			const double contrast = values_.adjustments.contrast / kUnity;
			curves_[p][code] = toCode(kMiddle + (balanced - kMiddle) * contrast +
						  values_.adjustments.brightness);
			neutral_[p] &= curves_[p][code] == code;
		}
	}
}

void Processor::start(const Processing &values, std::size_t width)
{
	if (values != values_) {
		values_ = values;
		makeCurves();
	}

	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		curved_[p].resize(width);
		saturated_[p].resize(width);
		for (Rows &rows : result_)
			rows[p].resize(width);
	}
}

RgbLine Processor::process(const RgbLine &line)
{
	const auto saturation = static_cast<int16_t>(values_.adjustments.saturation);
	const auto sharpness = static_cast<int16_t>(values_.adjustments.sharpness);
	const bool saturates = saturation != kUnity;
	const bool sharpens = sharpness != 0;
	const std::size_t width = curved_[0].size();
	Rows &result = result_[turn_++ % result_.size()];
	std::array<const uint8_t *, Picture::kPlanes> planes = {line.r, line.g, line.b};

	Rows &curved = saturates || sharpens ? curved_ : result;
	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		if (neutral_[p])
			continue;
		apply(curves_[p], planes[p], curved[p].data(), width);
		planes[p] = curved[p].data();
	}

	if (saturates) {
		Rows &saturated = sharpens ? saturated_ : result;
		saturate(view(planes), saturated[Picture::kRed].data(),
			 saturated[Picture::kGreen].data(), saturated[Picture::kBlue].data(), width,
			 saturation);
		for (unsigned int p = 0; p < Picture::kPlanes; p++)
			planes[p] = saturated[p].data();
	}

	for (unsigned int p = 0; sharpens && p < Picture::kPlanes; p++) {
		sharpen(planes[p], result[p].data(), width, sharpness);
		planes[p] = result[p].data();
	}

	return view(planes);
}

} /* namespace cmacam::board */
