/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Auto white balance, which computes the gains of red and blue from the zones of a frame.
 */

#pragma once

#include <cstdint>
#include <optional>

#include <linux/cmacam.h>

#include <libcamera/controls.h>

#include "colour_temperature.h"
#include "settings.h"

namespace cmacam::ipa {

class Awb
{
public:
	static void addControls(const SensorInfo &sensor, libcamera::ControlInfoMap::Map *controls);

	void configure(const SensorInfo &sensor);
	void forget();
	void queueRequest(const libcamera::ControlList &controls);
	void process(const cmacam_stats &stats);

	uint32_t redGain() const { return code(gains_.red); }
	uint32_t blueGain() const { return code(gains_.blue); }
	bool isEnabled() const { return enabled_; }
	bool isLocked() const { return locked_; }

	/** True if the algorithm needs the statistics of the next frame. */
	bool isSearching() const { return enabled_ && searching_; }

private:
	static std::optional<ColourGains> greyWorld(const cmacam_stats &stats);
	ColourGains limited(const ColourGains &gains) const;
	uint32_t code(double gain) const;

	Range range_;
	bool statistics_ = false;
	bool enabled_ = false;
	bool locked_ = false;
	bool searching_ = true; /* false also if the scene says nothing of the light */
	ColourGains gains_;
	std::optional<ColourGains> found_; /* last gains that were computed from statistics */
};

} /* namespace cmacam::ipa */
