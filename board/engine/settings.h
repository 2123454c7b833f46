/* SPDX-License-Identifier: MIT */
/*
 * What the operator may change while the board runs: pacing, starvation, mark,
 * digest and the light on the scene. No part of the hardware's contract with
 * the driver.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cmacam::board {

struct Settings
{
	enum class Pacing { Sensor, Max, Fixed };
	enum class Starved { Drop, Hold };
	enum class Mark { Off, Frame, Lines };
	enum class Digest { None, Sha256 };

	/* Under this light the picture is what the source holds. */
	static constexpr double kNeutralTemperature = 5500; /* K */

	Pacing pacing = Pacing::Sensor;
	uint32_t fps = 0; /* of Pacing::Fixed */
	Starved starved = Starved::Drop;
	Mark mark = Mark::Off;
	Digest digest = Digest::None;
	double light = 0;			       /* stops */
	double lightTemperature = kNeutralTemperature; /* K */

	/* Returns nothing on success, else one sentence that says what would do. */
	std::optional<std::string> set(std::string_view key, std::string_view value);
	/* Nothing if there is no such key. */
	std::optional<std::string> get(std::string_view key) const;
};

} /* namespace cmacam::board */
