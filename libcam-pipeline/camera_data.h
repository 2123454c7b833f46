/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One cmacam camera: its devices, and the way of a frame through them.
 */

#pragma once

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <libcamera/base/span.h>
#include <libcamera/base/timer.h>

#include <libcamera/framebuffer.h>
#include <libcamera/stream.h>
#include <libcamera/transform.h>

#include "libcamera/internal/camera.h"
#include "libcamera/internal/camera_sensor.h"

#include "frame_join.h"
#include "ipa_link.h"
#include "loss_watch.h"
#include "output.h"
#include "quiet_start.h"
#include "record_node.h"
#include "request_schedule.h"
#include "sensor_controls.h"
#include "stats_join.h"

namespace libcamera {

class MediaDevice;

class CmacamCameraData : public Camera::Private
{
public:
	/* Buffers that may be queued to a device at a time. */
	static constexpr unsigned int kMaxQueued = 16;

	CmacamCameraData(PipelineHandler *pipe, std::shared_ptr<MediaDevice> media);
	~CmacamCameraData() override;

	int init();

	/* What an output shall write; one that is not named rests. */
	struct OutputFormat
	{
		CmacamOutput *output;
		V4L2DeviceFormat format;
	};

	int configure(const std::vector<OutputFormat> &formats, Transform transform);
	int exportBuffers(const Stream *stream, unsigned int count,
			  std::vector<std::unique_ptr<FrameBuffer>> *buffers);
	int start(const ControlList *controls);
	void stop();
	int queueRequest(Request *request);

	const std::string &id() const { return sensor_->id(); }
	CameraSensor *sensor() { return sensor_.get(); }
	CmacamOutput *main() { return main_.get(); }
	CmacamOutput *lores() { return lores_.get(); } /* nullptr: there is none */
	std::set<Stream *> streams();

private:
	/* A request at the hardware; a buffer of the other stream may be missing. */
	struct InFlight
	{
		Request *request;
		FrameBuffer *main;
		FrameBuffer *lores;
	};

	void initProperties();
	int updateControls();

	int startControls(const ControlList *controls);
	int startDevices();
	int setLinked();
	void startStreaming();
	void stopDevices();

	int giveToHardware(Request *request);
	int queueBuffers(const InFlight &frame);
	int writeDueControls();
	void followStarts();
	void unfollowStarts();
	void followStatistics();

	void mainReady(FrameBuffer *buffer);
	void loresReady(FrameBuffer *buffer);
	void recordReady(Span<const uint8_t> data, const FrameMetadata &metadata);
	void statisticsReady(Span<const uint8_t> data, const FrameMetadata &metadata);
	void learn(const CmacamStatsJoin::Match &match);
	void completeFrames();
	void completeLateFrames();
	void complete(const CmacamFrameJoin::Frame &frame);
	void cancelQueued();
	void unplug();
	void remove();

	void watchLosses();
	void unwatchLosses();
	void tellLosses(CmacamLossWatch::News news);
	std::string whoHoldsBuffers();

	int report(int ret);

	std::shared_ptr<MediaDevice> media_;
	std::unique_ptr<CameraSensor> sensor_;
	std::unique_ptr<CmacamSensorControls> controls_;
	std::unique_ptr<CmacamOutput> main_;
	std::unique_ptr<CmacamOutput> lores_;
	std::unique_ptr<CmacamRecordNode> metadata_;
	std::unique_ptr<CmacamRecordNode> statistics_;

	CmacamIpa ipa_;
	CmacamQuietStart quietStart_;
	CmacamRequestSchedule schedule_;
	std::deque<InFlight> inFlight_;
	CmacamFrameJoin join_;
	CmacamStatsJoin statsJoin_;
	CmacamLossWatch losses_;
	Timer recordTimer_;
	Timer startTimer_;
	uint32_t sequenceBase_;

	bool paired_;
	bool followsStarts_;
	unsigned int quietRequests_; /* in a row without controls, while following */
	bool statisticsFailed_;
	bool failed_;
	bool unplugged_;
	bool removed_;
};

} /* namespace libcamera */
