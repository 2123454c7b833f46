/* SPDX-License-Identifier: MIT */
/*
 * What happens to samples between scaler and output format: light, white
 * balance, contrast, brightness, saturation.
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
		for (Rows &rows : result_)
			rows[p].resize(width);
	}
}

RgbLine Processor::process(const RgbLine &line)
{
	const int32_t saturation = values_.adjustments.saturation;
	const bool saturates = saturation != kUnity;
	const std::size_t width = curved_[0].size();
	Rows &result = result_[turn_++ % result_.size()];
	std::array<const uint8_t *, Picture::kPlanes> planes = {line.r, line.g, line.b};

	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		if (neutral_[p])
			continue;
		uint8_t *out = saturates ? curved_[p].data() : result[p].data();
		apply(curves_[p], planes[p], out, width);
		planes[p] = out;
	}

	const RgbLine curved = {planes[Picture::kRed], planes[Picture::kGreen],
				planes[Picture::kBlue]};
	if (!saturates)
		return curved;

	saturate(curved, result[Picture::kRed].data(), result[Picture::kGreen].data(),
		 result[Picture::kBlue].data(), width, static_cast<int16_t>(saturation));
	return {result[Picture::kRed].data(), result[Picture::kGreen].data(),
		result[Picture::kBlue].data()};
}

} /* namespace cmacam::board */
