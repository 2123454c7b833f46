/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the algorithms are told of the sensor, and what they tell it.
 */

#pragma once

#include <cstdint>

#include "sensor_timing.h"

namespace cmacam::ipa {

/* Gains of every kind are fixed point numbers with this many steps to 1.0. */
constexpr uint32_t kGainUnit = 256;

/** A range of fixed point numbers with its default. */
struct Range
{
	uint32_t min = 0;
	uint32_t max = 0;
	uint32_t def = 0;
};

/** What the sensor can do; constant during a session. */
struct SensorInfo
{
	LineTiming timing;
	FrameLimits limits;
	uint32_t defaultFrame = 0;    /* lines */
	uint32_t defaultExposure = 0; /* lines */
	Range gain;		      /* 1 / kGainUnit */
	Range colourGain;	      /* 1 / kGainUnit; max 0: no white balance */
	bool statistics = false;      /* without them everything is manual */
};

/** What the sensor shall use for the frames to come. */
struct Settings
{
	uint32_t frame = 0;    /* lines, blanking included */
	uint32_t exposure = 0; /* lines */
	uint32_t gain = kGainUnit;
	uint32_t redGain = kGainUnit;
	uint32_t blueGain = kGainUnit;

	bool operator==(const Settings &) const = default;
};

/** What the sensor did use for the frame that the statistics are of. */
struct InForce
{
	uint32_t exposure = 0; /* lines */
	uint32_t gain = 0;     /* 1 / kGainUnit */
};

} /* namespace cmacam::ipa */
