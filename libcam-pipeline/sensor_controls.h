/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads and writes the V4L2 controls of the cmacam sensor. The table in
 * plain_controls.h lists the controls whose value is a single number.
 */

#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <optional>

#include <libcamera/control_ids.h>
#include <libcamera/controls.h>
#include <libcamera/geometry.h>

#include "ipa/settings.h"
#include "plain_controls.h"

namespace libcamera {

class CameraSensor;

std::optional<controls::draft::TestPatternModeEnum> testPatternMode(uint32_t index);

class CmacamSensorControls
{
public:
	explicit CmacamSensorControls(CameraSensor *sensor);

	int readLimits();
	void addControls(ControlInfoMap::Map *map) const;
	const cmacam::ipa::SensorInfo &info() const { return info_; }

	void reset();
	void queueRequest(const ControlList &requested);
	int write(const cmacam::ipa::Settings &settings);

private:
	/* Settings that no algorithm changes */
	struct Picture
	{
		int32_t pattern = 0;					/* menu index */
		std::array<int32_t, std::size(kPlainControls)> plain{}; /* V4L2 values */
		Rectangle crop;

		bool operator==(const Picture &) const = default;
	};

	bool has(uint32_t id) const;
	int writeTiming(const cmacam::ipa::Settings &settings, bool *changed);
	int writeCluster(const cmacam::ipa::Settings &settings, bool timingChanged);
	int writeCrop();
	void set(ControlList *list, uint32_t id, int32_t value) const;

	CameraSensor *sensor_;

	cmacam::ipa::SensorInfo info_;
	uint32_t activeLines_;
	Rectangle array_;

	Picture picture_;

	/* Values that were last written to the driver; empty if these values are not known */
	std::optional<cmacam::ipa::Settings> writtenSettings_;
	std::optional<Picture> writtenPicture_;
};

} /* namespace libcamera */
