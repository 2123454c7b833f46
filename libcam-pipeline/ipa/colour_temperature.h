/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Conversion between the colour temperature of light and the gains that make this light neutral.
 */

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cmacam::ipa {

/*
 * Colour temperature of the light for which the gains of red and blue are 1,
 * kelvin. In this model, the red part of the light is inversely proportional to
 * the temperature, and the blue part is proportional to the temperature.
 */
constexpr double kNeutralKelvin = 5500;
constexpr double kCoolestKelvin = 2000;
constexpr double kHottestKelvin = 10000;

/** Gains of red and blue. The gain of green is 1. */
struct ColourGains
{
	double red = 1;
	double blue = 1;
};

/** Gains that make light of the temperature \a kelvin neutral. */
inline ColourGains gainsOfTemperature(double kelvin)
{
	kelvin = std::clamp(kelvin, kCoolestKelvin, kHottestKelvin);

	return {kelvin / kNeutralKelvin, kNeutralKelvin / kelvin};
}

/** Temperature of the light that \a gains make neutral, in kelvin. */
inline int32_t temperatureOfGains(const ColourGains &gains)
{
	if (!(gains.red > 0) || !(gains.blue > 0))
		return kNeutralKelvin;

	const double kelvin = kNeutralKelvin * std::sqrt(gains.red / gains.blue);

	return std::lround(std::clamp(kelvin, kCoolestKelvin, kHottestKelvin));
}

} /* namespace cmacam::ipa */
