/* SPDX-License-Identifier: MIT */
/*
 * The settings that the operator may change while the board runs: pacing, behaviour of
 * a channel that has no DMA address, mark, digest and the light on the scene. These
 * settings are not part of the register interface to the driver.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/flicker.h"

namespace cmacam::board {

struct Settings
{
	enum class Pacing { Sensor, Max, Fixed };
	enum class Starved { Drop, Hold };
	enum class Mark { Off, Frame, Lines };
	enum class Digest { None, Sha256 };

	/* Colour temperature at which the picture has the colours of the source. */
	static constexpr double kNeutralTemperature = 5500; /* K */

	Pacing pacing = Pacing::Sensor;
	uint32_t fps = 0; /* frames per second, for Pacing::Fixed */
	Starved starved = Starved::Drop;
	Mark mark = Mark::Off;
	Digest digest = Digest::None;
	double light = 0;			       /* stops */
	double lightTemperature = kNeutralTemperature; /* K */
	Flicker flicker;

	/*
	 * Changes a setting. Returns nothing on success. On failure, returns one sentence that
	 * names the possible values.
	 */
	std::optional<std::string> set(std::string_view key, std::string_view value);
	/* Returns the value of the setting `key`. Returns nothing if there is no such setting. */
	std::optional<std::string> get(std::string_view key) const;
};

} /* namespace cmacam::board */
