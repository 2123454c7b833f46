/* SPDX-License-Identifier: MIT */
/*
 * A computed model of a sensor and its statistics. Code values are proportional
 * to exposure, gain and light, and saturate at 255. Settings take effect after
 * some frames, and statistics arrive after some frames.
 */

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <vector>

#include <endian.h>

#include <linux/cmacam.h>

#include "ipa/settings.h"

namespace simulated {

/* Number of frames after which the algorithms must have settled when the scene has changed. */
constexpr unsigned int kSettled = 15;

/* The brightness of a patch of the scene, as its code values at the default exposure. */
struct Patch
{
	double red;
	double green;
	double blue;
};

using Scene = std::vector<Patch>;

struct Light
{
	double stops = 0;
	double kelvin = 5500;
};

/* The numbers of the board's sensor: 3840x2160 at up to 60 frames per second. */
inline cmacam::ipa::SensorInfo info()
{
	return {
		.timing = {594000000, 4400},
		.limits = {.minFrame = 2250, .maxFrame = 135000, .minExposure = 1, .margin = 8},
		.defaultFrame = 4500,
		.defaultExposure = 2250,
		.gain = {256, 4096, 256},
		.colourGain = {64, 2048, 256},
		.statistics = true,
	};
}

struct Frame
{
	cmacam::ipa::InForce inForce;
	cmacam_stats stats;
	double mean;
};

class Sensor
{
public:
	Sensor(Scene scene, unsigned int settingsDelay, unsigned int statsDelay)
		: scene_(std::move(scene)), settingsDelay_(settingsDelay), statsDelay_(statsDelay)
	{
	}

	void setLight(const Light &light) { light_ = light; }

	/*
	 * Captures one frame. The settings were requested before this frame began. They take
	 * effect settingsDelay frames later. The frame that is returned is statsDelay frames
	 * old.
	 */
	Frame next(const cmacam::ipa::Settings &settings)
	{
		pipe_.push_back(settings);
		while (pipe_.size() > settingsDelay_ + 1)
			pipe_.pop_front();

		frames_.push_back(capture(pipe_.front()));
		while (frames_.size() > statsDelay_ + 1)
			frames_.pop_front();

		return frames_.front();
	}

	/* The last captured frame. With a statsDelay, next() has not returned it yet. */
	const Frame &newest() const { return frames_.back(); }

private:
	Frame capture(const cmacam::ipa::Settings &used) const
	{
		Frame frame{};
		frame.inForce = {used.exposure, used.gain};
		frame.stats.size = htole32(sizeof(frame.stats));

		const double exposure = static_cast<double>(used.exposure) * used.gain /
					(info().defaultExposure * 256.0);
		const double factor = exposure * std::exp2(light_.stops);

		double sum = 0;
		unsigned int n = 0;
		for (auto &row : frame.stats.zones) {
			for (cmacam_stats_zone &zone : row) {
				const Patch &patch = scene_[n++ % scene_.size()];
				const double r = code(patch.red * factor * 5500 / light_.kelvin);
				const double g = code(patch.green * factor);
				const double b = code(patch.blue * factor * light_.kelvin / 5500);
				const double y = std::floor(0.2126 * r + 0.7152 * g + 0.0722 * b);

				zone.red = htole16(r * 256);
				zone.green = htole16(g * 256);
				zone.blue = htole16(b * 256);
				zone.saturated = htole16(std::max({r, g, b}) >= 255 ? 65535 : 0);

				uint32_t &bin = frame.stats.histogram[static_cast<int>(y)];
				bin = htole32(le32toh(bin) + 100);
				sum += y;
			}
		}

		frame.stats.samples = htole32(n * 100);
		frame.mean = sum / n;

		return frame;
	}

	static double code(double value) { return std::floor(std::min(value, 255.0)); }

	Scene scene_;
	unsigned int settingsDelay_;
	unsigned int statsDelay_;
	Light light_;
	std::deque<cmacam::ipa::Settings> pipe_;
	std::deque<Frame> frames_;
};

} /* namespace simulated */
