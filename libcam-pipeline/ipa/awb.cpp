/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Auto white balance: gains of red and blue from the zones of a frame.
 */

#include "awb.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <endian.h>

#include <libcamera/control_ids.h>

namespace controls = libcamera::controls;

namespace cmacam::ipa {

namespace {

/* Zones that say nothing of the light: clipped, or too dark to tell colours. */
constexpr unsigned int kMostSaturated = 65535 / 50;
constexpr unsigned int kDarkest = 8 * 256;
constexpr unsigned int kFewestZones = 4;

/* How much of the way to go with each frame, and where it is not worth it. */
constexpr double kSpeed = 0.5;
constexpr double kNearGain = 0.01;
constexpr double kFarGain = 0.03;

double distance(const ColourGains &a, const ColourGains &b)
{
	return std::max(std::abs(a.red / b.red - 1), std::abs(a.blue / b.blue - 1));
}

} /* namespace */

/**
 * \class Awb
 * \brief Controls the gains of red and blue so that the mean of the picture is grey
 *
 * The algorithm is called grey world. The statistics are taken before white
 * balance, so they do not depend on the gains. No feedback loop is necessary,
 * only a filter against flicker.
 */

/**
 * \brief Add the controls that this algorithm supports
 */
void Awb::addControls(const SensorInfo &sensor, libcamera::ControlInfoMap::Map *map)
{
	if (!sensor.colourGain.max)
		return;

	const float unity[] = {1.0f, 1.0f};
	(*map)[&controls::ColourGains] =
		libcamera::ControlInfo(static_cast<float>(sensor.colourGain.min) / kGainUnit,
				       static_cast<float>(sensor.colourGain.max) / kGainUnit,
				       libcamera::Span<const float, 2>(unity));
	(*map)[&controls::ColourTemperature] = libcamera::ControlInfo(
		static_cast<int32_t>(kCoolestKelvin), static_cast<int32_t>(kHottestKelvin),
		static_cast<int32_t>(kNeutralKelvin));

	if (sensor.statistics)
		(*map)[&controls::AwbEnable] = libcamera::ControlInfo(false, true, true);
}

/**
 * \brief Begin a session with the default mode and the last result of the algorithm
 */
void Awb::configure(const SensorInfo &sensor)
{
	range_ = sensor.colourGain;
	statistics_ = sensor.statistics && range_.max;
	locked_ = locked_ && enabled_;
	searching_ = true;
	enabled_ = statistics_;
	gains_ = found_.value_or(ColourGains{});
}

/**
 * \brief Forget the last result, so that the next session begins with the defaults
 */
void Awb::forget()
{
	found_.reset();
	locked_ = false;
}

/**
 * \brief Apply the controls of a request
 */
void Awb::queueRequest(const libcamera::ControlList &requested)
{
	if (auto enable = requested.get(controls::AwbEnable); enable && statistics_) {
		locked_ = locked_ && enabled_ == *enable;
		searching_ = !locked_;
		enabled_ = *enable;
	}

	if (enabled_)
		return;

	if (auto gains = requested.get(controls::ColourGains))
		gains_ = limited({(*gains)[0], (*gains)[1]});
	else if (auto kelvin = requested.get(controls::ColourTemperature))
		gains_ = limited(gainsOfTemperature(*kelvin));
}

std::optional<ColourGains> Awb::greyWorld(const cmacam_stats &stats)
{
	uint64_t red = 0;
	uint64_t green = 0;
	uint64_t blue = 0;
	unsigned int used = 0;

	for (const auto &row : stats.zones) {
		for (const cmacam_stats_zone &zone : row) {
			if (le16toh(zone.saturated) > kMostSaturated ||
			    le16toh(zone.green) < kDarkest)
				continue;

			red += le16toh(zone.red);
			green += le16toh(zone.green);
			blue += le16toh(zone.blue);
			used++;
		}
	}

	if (used < kFewestZones || !red || !blue)
		return std::nullopt;

	return ColourGains{static_cast<double>(green) / red, static_cast<double>(green) / blue};
}

/**
 * \brief Compute the gains for the colour of the light
 * \param[in] stats Statistics of a frame
 */
void Awb::process(const cmacam_stats &stats)
{
	if (!enabled_)
		return;

	/* A scene that says nothing is lit as the last one that did. */
	const std::optional<ColourGains> measured = greyWorld(stats);
	searching_ = measured.has_value();
	if (!measured)
		return;

	const ColourGains wanted = limited(*measured);
	const double off = distance(wanted, gains_);
	locked_ = off < (locked_ ? kFarGain : kNearGain);
	if (!locked_) {
		gains_.red += kSpeed * (wanted.red - gains_.red);
		gains_.blue += kSpeed * (wanted.blue - gains_.blue);
	}
	searching_ = !locked_;
	found_ = gains_;
}

ColourGains Awb::limited(const ColourGains &gains) const
{
	const double min = static_cast<double>(range_.min) / kGainUnit;
	const double max = static_cast<double>(range_.max) / kGainUnit;

	/* Written so that what is not a number becomes the minimum. */
	auto limit = [min, max](double gain) { return gain > min ? std::min(gain, max) : min; };

	return {limit(gains.red), limit(gains.blue)};
}

uint32_t Awb::code(double gain) const
{
	return std::lround(gain * kGainUnit);
}

} /* namespace cmacam::ipa */
