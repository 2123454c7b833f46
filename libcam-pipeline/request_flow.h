/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Queues the buffers of requests to the devices, and completes the requests for the application.
 */

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include <libcamera/base/object.h>
#include <libcamera/base/timer.h>

#include <libcamera/framebuffer.h>

#include "libcamera/internal/camera.h"

#include "control_loop.h"
#include "error_report.h"
#include "loss_report.h"
#include "output.h"
#include "quiet_start.h"
#include "record_reader.h"

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
		CmacamRecordReader *records;
		CmacamControlLoop *controls;
		CmacamLossReport *losses;
		CmacamErrorReport *errors;
	};

	CmacamRequestFlow(Camera::Private *camera, const Stations &stations);

	int start();
	void stop();

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

	/* A buffer that the driver has filled. Only buffers of main have a record. */
	struct Filled
	{
		FrameBuffer *buffer = nullptr;
		uint64_t timestamp = 0;
		std::optional<cmacam_frame_meta> record;
	};

	int setLinked();
	void startStreaming();

	int giveToHardware(Request *request);
	int queueBuffers(const InFlight &frame);

	void mainReady(FrameBuffer *buffer);
	void loresReady(FrameBuffer *buffer);
	void completeFrames();
	InFlight takeInFlight(const FrameBuffer *main);
	void complete(const Filled &frame, const Filled &partner);

	Camera::Private *const camera_;
	CmacamOutput *const main_;
	CmacamOutput *const lores_;
	CmacamRecordReader *const records_;
	CmacamControlLoop *const controls_;
	CmacamLossReport *const losses_;
	CmacamErrorReport *const errors_;

	CmacamQuietStart quietStart_;
	std::deque<InFlight> inFlight_;
	/*
	 * Filled buffers of main, and of lores if it is linked, that wait for the
	 * buffer of the other node. Linked nodes lose the same frames, so the n-th
	 * buffers of both nodes are a pair.
	 */
	std::deque<Filled> mainFilled_;
	std::deque<Filled> loresFilled_;
	Timer startTimer_;

	bool paired_;
	bool failed_; /* whether the board did not start, so that no frame comes */
	uint32_t sequenceBase_;
	/* Number of buffers that the lores node has in excess of the main node */
	unsigned int unpaired_;
};

} /* namespace libcamera */
