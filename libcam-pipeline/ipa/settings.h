/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Values that the handler and the algorithms exchange about the sensor.
 */

#pragma once

#include <cstdint>

#include "sensor_timing.h"

namespace cmacam::ipa {

/* Code of gain 1.0. All gains are fixed-point numbers in steps of 1 / kGainUnit. */
constexpr uint32_t kGainUnit = 256;

/** A range of fixed-point numbers, with a default value. */
struct Range
{
	uint32_t min = 0;
	uint32_t max = 0;
	uint32_t def = 0;
};

/** Capabilities of the sensor, which are constant during a session. */
struct SensorInfo
{
	LineTiming timing;
	FrameLimits limits;
	uint32_t defaultFrame = 0;    /* lines */
	uint32_t defaultExposure = 0; /* lines */
	Range gain;		      /* 1 / kGainUnit */
	Range colourGain;	      /* 1 / kGainUnit; max is 0 if there is no white balance */
	bool statistics = false;      /* false: no statistics, so all modes are manual */
};

/** Settings of the sensor for the next frames. */
struct Settings
{
	uint32_t frame = 0;    /* lines, blanking included */
	uint32_t exposure = 0; /* lines */
	uint32_t gain = kGainUnit;
	uint32_t redGain = kGainUnit;
	uint32_t blueGain = kGainUnit;

	bool operator==(const Settings &) const = default;
};

/** Settings that were in force for the frame that the statistics describe. */
struct InForce
{
	uint32_t exposure = 0; /* lines */
	uint32_t gain = 0;     /* 1 / kGainUnit */
};

} /* namespace cmacam::ipa */
