/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The libcamera controls of the cmacam sensor and the per-frame metadata.
 */

#pragma once

#include <cstdint>

#include <linux/cmacam.h>

#include <libcamera/controls.h>

#include "sensor_timing.h"

namespace libcamera {

class CameraSensor;

class CmacamSensorControls
{
public:
	explicit CmacamSensorControls(CameraSensor *sensor);

	int readLimits();
	ControlInfoMap::Map info() const;

	int reset();
	int apply(const ControlList &requested);

	static void fillMetadata(const cmacam_frame_meta &record, ControlList *metadata);

private:
	struct Settings
	{
		uint32_t shortestFrame; /* lines, from FrameDurationLimits */
		uint32_t longestFrame;
		uint32_t exposure; /* lines, as wanted */
		int32_t gain;	   /* 1/256 */
		int32_t pattern;   /* menu index */
	};

	int write(const Settings &settings);

	CameraSensor *sensor_;

	cmacam::LineTiming timing_;
	cmacam::FrameLimits limits_;
	uint32_t activeLines_;
	int32_t minGain_;
	int32_t maxGain_;

	Settings defaults_;
	Settings current_;
};

} /* namespace libcamera */
