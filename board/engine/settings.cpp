/* SPDX-License-Identifier: MIT */
/*
 * What the operator may change while the board runs: pacing, starvation, mark,
 * digest and the light on the scene. No part of the hardware's contract with
 * the driver.
 */
#include "engine/settings.h"

#include <array>
#include <charconv>
#include <format>

namespace cmacam::board {

namespace {

constexpr uint32_t kMaxFps = 1000;
constexpr double kMaxStops = 8;
constexpr double kMaxFlicker = 1000;		    /* Hz */
constexpr double kWarmest = 2000, kCoolest = 10000; /* K */

template <typename T>
struct Choice
{
	std::string_view name;
	T value;
};

constexpr std::array kStarved = {
	Choice{"drop", Settings::Starved::Drop},
	Choice{"hold", Settings::Starved::Hold},
};
constexpr std::array kMark = {
	Choice{"off", Settings::Mark::Off},
	Choice{"frame", Settings::Mark::Frame},
	Choice{"lines", Settings::Mark::Lines},
};
constexpr std::array kDigest = {
	Choice{"none", Settings::Digest::None},
	Choice{"sha256", Settings::Digest::Sha256},
};

template <typename T, std::size_t N>
std::optional<std::string> choose(const std::array<Choice<T>, N> &choices, std::string_view key,
				  std::string_view text, T &value)
{
	std::string names;

	for (const Choice<T> &choice : choices) {
		if (choice.name == text) {
			value = choice.value;
			return std::nullopt;
		}
		names += std::format("{}{}", names.empty() ? "" : " or ", choice.name);
	}

	return std::format("{} must be {}, not '{}'", key, names, text);
}

template <typename T, std::size_t N>
std::string nameOf(const std::array<Choice<T>, N> &choices, T value)
{
	for (const Choice<T> &choice : choices) {
		if (choice.value == value)
			return std::string(choice.name);
	}

	return {};
}

/* A number and nothing else, from @min to @max. */
std::optional<double> numberIn(std::string_view text, double min, double max)
{
	double number = 0;
	const char *end = text.data() + text.size();
	const auto parsed = std::from_chars(text.data(), end, number);
	/* Not a number is neither below nor above. */
	if (parsed.ec != std::errc() || parsed.ptr != end || !(number >= min && number <= max))
		return std::nullopt;

	return number;
}

std::optional<std::string> setNumber(std::string_view key, std::string_view text, double min,
				     double max, std::string_view unit, double &value)
{
	const std::optional<double> number = numberIn(text, min, max);
	if (!number)
		return std::format("{} must be {} to {} {}, not '{}'", key, min, max, unit, text);

	value = *number;
	return std::nullopt;
}

std::optional<std::string> setFlicker(std::string_view text, Flicker &flicker)
{
	if (text == "off") {
		flicker = {};
		return std::nullopt;
	}

	const std::size_t comma = text.find(',');
	const auto frequency = numberIn(text.substr(0, comma), 1, kMaxFlicker);
	const auto depth =
		comma == text.npos ? std::nullopt : numberIn(text.substr(comma + 1), 0, 100);
	if (!frequency || !depth)
		return std::format("flicker must be off or HZ,PERCENT: 1 to {} Hz and 0 to 100 "
				   "percent, not '{}'",
				   kMaxFlicker, text);

	flicker = {*frequency, *depth};
	return std::nullopt;
}

std::optional<std::string> setFps(Settings &settings, const std::string &text)
{
	if (text == "sensor") {
		settings.pacing = Settings::Pacing::Sensor;
		return std::nullopt;
	}
	if (text == "max") {
		settings.pacing = Settings::Pacing::Max;
		return std::nullopt;
	}

	uint32_t fps = 0;
	const char *end = text.data() + text.size();
	const auto parsed = std::from_chars(text.data(), end, fps);
	if (parsed.ec != std::errc() || parsed.ptr != end || fps < 1 || fps > kMaxFps)
		return std::format("fps must be sensor, max or 1 to {} frames per second, not '{}'",
				   kMaxFps, text);

	settings.pacing = Settings::Pacing::Fixed;
	settings.fps = fps;
	return std::nullopt;
}

} /* namespace */

std::optional<std::string> Settings::set(std::string_view key, std::string_view value)
{
	if (key == "fps")
		return setFps(*this, std::string(value));
	if (key == "starved")
		return choose(kStarved, key, value, starved);
	if (key == "mark")
		return choose(kMark, key, value, mark);
	if (key == "digest")
		return choose(kDigest, key, value, digest);

	if (key == "light")
		return setNumber(key, value, -kMaxStops, kMaxStops, "stops", light);
	if (key == "light-temperature")
		return setNumber(key, value, kWarmest, kCoolest, "K", lightTemperature);
	if (key == "flicker")
		return setFlicker(value, flicker);

	return std::format("there is no key '{}', only fps, starved, mark, digest, light, "
			   "light-temperature and flicker",
			   key);
}

std::optional<std::string> Settings::get(std::string_view key) const
{
	if (key == "fps") {
		if (pacing == Pacing::Fixed)
			return std::to_string(fps);
		return pacing == Pacing::Max ? "max" : "sensor";
	}
	if (key == "starved")
		return nameOf(kStarved, starved);
	if (key == "mark")
		return nameOf(kMark, mark);
	if (key == "digest")
		return nameOf(kDigest, digest);
	if (key == "light")
		return std::format("{}", light);
	if (key == "light-temperature")
		return std::format("{}", lightTemperature);
	if (key == "flicker")
		return flicker.frequency != 0
			       ? std::format("{},{}", flicker.frequency, flicker.depth)
			       : "off";

	return std::nullopt;
}

} /* namespace cmacam::board */
