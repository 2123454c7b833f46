/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Auto exposure and auto white balance, with the functions of a libcamera IPA.
 */

#pragma once

#include <array>
#include <cstdint>

#include <linux/cmacam.h>

#include <libcamera/controls.h>

#include "agc.h"
#include "awb.h"
#include "settings.h"

namespace cmacam::ipa {

class Ipa
{
public:
	/* Maximum number of requests that wait for fillMetadata() after queueRequest() */
	static constexpr unsigned int kMaxRequests = 64;

	int init(const SensorInfo &sensor, libcamera::ControlInfoMap::Map *controls);
	int start(const SensorInfo &sensor);
	void stop() {}
	void forget();
	const Settings &queueRequest(uint32_t request, const libcamera::ControlList &controls);
	bool processStats(const InForce &inForce, const cmacam_stats &stats);
	void fillMetadata(uint32_t request, libcamera::ControlList *metadata) const;

	const Settings &settings() const { return settings_; }
	unsigned int statisticsInterval() const;

private:
	/*
	 * Modes and states for the metadata of a request. No register reports them for a
	 * frame. When the frame completes, the algorithms may already have used statistics
	 * of later frames.
	 */
	struct Context
	{
		Agc::Modes modes;
		libcamera::controls::AeStateEnum aeState = libcamera::controls::AeStateIdle;
		bool autoColour = false;
		bool colourLocked = false;
	};

	bool update();

	SensorInfo sensor_;
	Agc agc_;
	Awb awb_;
	Settings settings_;
	std::array<Context, kMaxRequests> contexts_;
};

} /* namespace cmacam::ipa */
