/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Computes the settings of the sensor from requests and statistics, and decides when these settings
 * are written to the sensor.
 */

#pragma once

#include <cstdint>
#include <memory>

#include <linux/cmacam.h>

#include <libcamera/base/object.h>
#include <libcamera/base/span.h>

#include <libcamera/controls.h>
#include <libcamera/framebuffer.h>

#include "ipa_link.h"
#include "record_node.h"
#include "request_schedule.h"
#include "sensor_controls.h"
#include "stats_join.h"

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
	void close();
	void forget();

	void expectControls();
	int queue(Request *request);
	void dropLast();
	void followStatistics();
	void recordReady(const cmacam_frame_meta &record, uint64_t timestamp);
	void frameDone(Request *request, uint32_t sequence, ControlList *metadata);
	void clear();

private:
	void ignoreStarts();
	int writeDueControls();
	void statisticsReady(Span<const uint8_t> data, const FrameMetadata &metadata);
	void learn(const CmacamStatsJoin::Match &match);

	CameraSensor *const sensor_;
	std::unique_ptr<CmacamRecordNode> statistics_; /* nullptr if there is no statistics node */
	CmacamSensorControls controls_;
	CmacamIpa ipa_;
	CmacamRequestSchedule schedule_;
	CmacamStatsJoin statsJoin_;

	bool followsStarts_;
	/* Number of successive requests without controls, counted while followsStarts_ is true */
	unsigned int quietRequests_;
	bool statisticsFailed_;
};

} /* namespace libcamera */
