/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Colour of light: the gains that make it neutral, and its temperature.
 */

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cmacam::ipa {

/* The sensor's neutral light: red falls and blue rises in proportion to it. */
constexpr double kNeutralKelvin = 5500;
constexpr double kCoolestKelvin = 2000;
constexpr double kHottestKelvin = 10000;

/** Factors of red and blue against green. */
struct ColourGains
{
	double red = 1;
	double blue = 1;
};

/** The gains that make light of \a kelvin neutral. */
inline ColourGains gainsOfTemperature(double kelvin)
{
	kelvin = std::clamp(kelvin, kCoolestKelvin, kHottestKelvin);

	return {kelvin / kNeutralKelvin, kNeutralKelvin / kelvin};
}

/** The temperature of the light that \a gains make neutral, in kelvin. */
inline int32_t temperatureOfGains(const ColourGains &gains)
{
	if (!(gains.red > 0) || !(gains.blue > 0))
		return kNeutralKelvin;

	const double kelvin = kNeutralKelvin * std::sqrt(gains.red / gains.blue);

	return std::lround(std::clamp(kelvin, kCoolestKelvin, kHottestKelvin));
}

} /* namespace cmacam::ipa */
