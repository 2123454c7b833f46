/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Computes the settings of the sensor from requests and statistics, and decides when these settings
 * are written to the sensor.
 */

#pragma once

#include <cstdint>

#include <linux/cmacam.h>

#include <libcamera/base/object.h>

#include <libcamera/controls.h>

#include "ipa_link.h"
#include "request_schedule.h"
#include "sensor_controls.h"

namespace libcamera {

class CameraSensor;
class MediaDevice;
class PipelineHandler;
class Request;

class CmacamControlLoop : public Object
{
public:
	/*
	 * Limit of successive requests without controls. If more successive requests
	 * have no controls, the loop expects no more controls and ignores the starts
	 * of frames.
	 */
	static constexpr unsigned int kQuietRequests = 20;

	CmacamControlLoop(PipelineHandler *pipe, CameraSensor *sensor, const MediaDevice *media);

	int describe(ControlInfoMap *controls);

	int start(const ControlList *controls);
	void stop();
	void forget();

	void expectControls();
	int queue(Request *request);
	void dropLast();
	bool usesStatistics() const { return ipa_.statisticsInterval(); }
	bool wantsStatistics();
	void learn(const cmacam_frame_stats &statistics);
	void frameDone(Request *request, uint32_t sequence, ControlList *metadata);
	void clear();

private:
	void ignoreStarts();
	int writeDueControls();

	CameraSensor *const sensor_;
	const bool hasStatistics_;
	CmacamSensorControls controls_;
	CmacamIpa ipa_;
	CmacamRequestSchedule schedule_;

	bool followsStarts_;
	/* Number of successive requests without controls, counted while followsStarts_ is true */
	unsigned int quietRequests_;
	/* Number of frames since the algorithms last had statistics */
	unsigned int skippedFrames_;
};

} /* namespace libcamera */
