/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queues the buffers of requests to the devices, and completes the requests for the application.
 */

#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include <libcamera/base/object.h>
#include <libcamera/base/span.h>
#include <libcamera/base/timer.h>

#include <libcamera/framebuffer.h>

#include "libcamera/internal/camera.h"

#include "control_loop.h"
#include "error_report.h"
#include "frame_join.h"
#include "loss_report.h"
#include "output.h"
#include "quiet_start.h"
#include "record_node.h"

namespace libcamera {

class Request;

class CmacamRequestFlow : public Object
{
public:
	/* Maximum number of buffers that are queued to a device at the same time */
	static constexpr unsigned int kMaxQueued = 16;

	/*
	 * Objects that take part in the processing of a request. All these objects
	 * must outlive the CmacamRequestFlow.
	 */
	struct Stations
	{
		CmacamOutput *main;
		CmacamOutput *lores; /* nullptr if the board has no lores */
		CmacamControlLoop *controls;
		CmacamLossReport *losses;
		CmacamErrorReport *errors;
	};

	CmacamRequestFlow(Camera::Private *camera, std::unique_ptr<CmacamRecordNode> metadata,
			  const Stations &stations);

	int start();
	void stop();
	void close();

	int queue(Request *request);
	void cancel();

private:
	/*
	 * A request that the hardware processes. One of main and lores may be nullptr. If
	 * request is nullptr, nobody waits for the frame.
	 */
	struct InFlight
	{
		Request *request;
		FrameBuffer *main;
		FrameBuffer *lores;
	};

	int setLinked();
	void startStreaming();

	int giveToHardware(Request *request);
	int queueBuffers(const InFlight &frame);

	void mainReady(FrameBuffer *buffer);
	void loresReady(FrameBuffer *buffer);
	void recordReady(Span<const uint8_t> data, const FrameMetadata &metadata);
	void completeFrames();
	void completeLateFrames();
	InFlight takeInFlight(const FrameBuffer *main);
	void complete(const CmacamFrameJoin::Frame &frame);

	Camera::Private *const camera_;
	CmacamOutput *const main_;
	CmacamOutput *const lores_;
	CmacamControlLoop *const controls_;
	CmacamLossReport *const losses_;
	CmacamErrorReport *const errors_;
	const std::unique_ptr<CmacamRecordNode> metadata_;

	CmacamQuietStart quietStart_;
	std::deque<InFlight> inFlight_;
	CmacamFrameJoin join_;
	Timer recordTimer_;
	Timer startTimer_;

	bool paired_;
	bool failed_; /* whether the board did not start, so that no frame comes */
	uint32_t sequenceBase_;
	/* Number of buffers that the lores node has in excess of the main node */
	unsigned int unpaired_;
};

} /* namespace libcamera */
