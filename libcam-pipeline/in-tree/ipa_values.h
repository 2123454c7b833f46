/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Conversion of the values that the handler and the IPA module exchange. Each
 * value has a type in cmacam::ipa and a type in cmacam.mojom. Only this file
 * lists the members of both types.
 */

#pragma once

#include <libcamera/ipa/cmacam_ipa_interface.h>

#include "../ipa/settings.h"

namespace libcamera {

inline ipa::cmacam::Range packed(const ::cmacam::ipa::Range &range)
{
	return {range.min, range.max, range.def};
}

inline ::cmacam::ipa::Range unpacked(const ipa::cmacam::Range &range)
{
	return {range.min, range.max, range.def};
}

inline ipa::cmacam::SensorInfo packed(const ::cmacam::ipa::SensorInfo &sensor)
{
	ipa::cmacam::SensorInfo info;

	info.pixelRate = sensor.timing.pixelRate;
	info.lineLength = sensor.timing.lineLength;
	info.minFrame = sensor.limits.minFrame;
	info.maxFrame = sensor.limits.maxFrame;
	info.minExposure = sensor.limits.minExposure;
	info.margin = sensor.limits.margin;
	info.defaultFrame = sensor.defaultFrame;
	info.defaultExposure = sensor.defaultExposure;
	info.gain = packed(sensor.gain);
	info.colourGain = packed(sensor.colourGain);
	info.statistics = sensor.statistics;

	return info;
}

inline ::cmacam::ipa::SensorInfo unpacked(const ipa::cmacam::SensorInfo &sensor)
{
	::cmacam::ipa::SensorInfo info;

	info.timing = {sensor.pixelRate, sensor.lineLength};
	info.limits = {sensor.minFrame, sensor.maxFrame, sensor.minExposure, sensor.margin};
	info.defaultFrame = sensor.defaultFrame;
	info.defaultExposure = sensor.defaultExposure;
	info.gain = unpacked(sensor.gain);
	info.colourGain = unpacked(sensor.colourGain);
	info.statistics = sensor.statistics;

	return info;
}

/* The settings that the IPA module returns also state how often the module needs statistics. */
inline ipa::cmacam::Settings packed(const ::cmacam::ipa::Settings &settings,
				    uint32_t statisticsInterval)
{
	return {settings.frame,	  settings.exposure, settings.gain,
		settings.redGain, settings.blueGain, statisticsInterval};
}

inline ::cmacam::ipa::Settings unpacked(const ipa::cmacam::Settings &settings)
{
	return {settings.frame, settings.exposure, settings.gain, settings.redGain,
		settings.blueGain};
}

} /* namespace libcamera */
