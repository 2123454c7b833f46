/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The way of a request through the devices and back.
 */

#include "request_flow.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>

#include <linux/cmacam.h>

#include <libcamera/base/log.h>

#include <libcamera/control_ids.h>

#include "libcamera/internal/framebuffer.h"
#include "libcamera/internal/pipeline_handler.h"
#include "libcamera/internal/request.h"

#include "frame_metadata.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

/*
 * How long a start waits for the next request. An application that has only one
 * waits no longer than this for its first frame; one that has several queues
 * them within milliseconds, and within this on a machine that is busy.
 */
constexpr std::chrono::milliseconds kStartPause{250};

/* Of the requests in flight, none may have controls when starts are ignored. */
static_assert(CmacamControlLoop::kQuietRequests > CmacamRequestFlow::kMaxQueued);

} /* namespace */

/**
 * \class CmacamRequestFlow
 * \brief Manages all requests of a session, from queueRequest() to their completion
 *
 * CmacamQuietStart keeps the first requests until the application has queued all
 * of them. After that, each request goes to the hardware at once. The request
 * stays in flight until the buffers of all streams are filled. When main's
 * buffer is filled, the record of the frame can be read. complete() evaluates
 * all parts and completes the request.
 */

/**
 * \brief Construct the flow of a camera
 * \param[in] camera The camera, which owns the flow
 * \param[in] stations The objects that requests pass
 */
CmacamRequestFlow::CmacamRequestFlow(Camera::Private *camera, const Stations &stations)
	: camera_(camera),
	  main_(stations.main),
	  lores_(stations.lores),
	  records_(stations.records),
	  controls_(stations.controls),
	  losses_(stations.losses),
	  errors_(stations.errors),
	  paired_(false),
	  failed_(false),
	  sequenceBase_(0),
	  unpaired_(0)
{
	startTimer_.timeout.connect(this, [this]() { startStreaming(); });

	CmacamCaptureDevice *device = main_->device();
	device->bufferReady.connect(this, [this](FrameBuffer *b) { mainReady(b); });
	device->lost.connect(this,
			     [this](uint32_t first) { losses_->lost(first, inFlight_.empty()); });
	if (lores_)
		lores_->device()->bufferReady.connect(this,
						      [this](FrameBuffer *b) { loresReady(b); });
}

/**
 * \brief Start all nodes except main, while no buffer is queued to the video nodes yet
 *
 * The board starts with the main node, which startStreaming() starts. Before
 * that, the file of the records must be open, so that it gets the record of the
 * first frame, and the linked channel must be running.
 *
 * \return 0 on success or a negative error code otherwise; after an error, the caller must call
 * stop()
 */
int CmacamRequestFlow::start()
{
	paired_ = lores_ && lores_->isActive();
	failed_ = false;
	sequenceBase_ = 0;
	unpaired_ = 0;

	int ret = records_->start();
	if (ret)
		return ret;

	if (paired_) {
		ret = setLinked();
		if (!ret)
			ret = lores_->prepare(kMaxQueued, true);
		if (!ret)
			ret = lores_->start();
		if (ret)
			return ret;
	}

	losses_->start();

	ret = main_->prepare(kMaxQueued, paired_);
	if (ret)
		return ret;

	std::size_t wanted = kMaxQueued;
	for (const CmacamOutput *output : {main_, lores_}) {
		if (output && output->isActive())
			wanted = std::min<std::size_t>(
				wanted, output->stream().configuration().bufferCount);
	}
	quietStart_.begin(wanted);

	return 0;
}

/* The n-th buffers of both nodes are to show the same frame. */
int CmacamRequestFlow::setLinked()
{
	ControlList list(lores_->device()->controls());
	list.set(V4L2_CID_CMACAM_LINKED, 1);

	return lores_->device()->setControls(&list);
}

/*
 * The first requests are there. Main gets all their buffers before it streams:
 * the first frames find them however busy the machine is.
 */
void CmacamRequestFlow::startStreaming()
{
	startTimer_.stop();

	const std::vector<Request *> requests = quietStart_.end();
	std::vector<Request *> refused;

	/* Before the first is given away: no frame has begun. */
	if (std::any_of(requests.begin(), requests.end(),
			[](Request *request) { return !request->controls().empty(); }))
		controls_->expectControls();

	for (Request *request : requests) {
		if (giveToHardware(request))
			refused.push_back(request);
	}

	LOG(Cmacam, Debug) << "Streaming starts with " << inFlight_.size() << " requests";
	if (int ret = main_->start(); ret < 0) {
		/* No frame is going to come. A success is not reported: that would hide a refusal.
		 */
		errors_->report(ret);
		failed_ = true;
		cancel();
		return;
	}
	if (controls_->usesStatistics())
		records_->prepareStatistics();

	for (Request *request : refused)
		camera_->pipe()->cancelRequest(request);
}

/**
 * \brief Stop all nodes
 *
 * Requests that have not completed stay in the flow until cancel().
 */
void CmacamRequestFlow::stop()
{
	LOG(Cmacam, Debug) << "Stopping with " << inFlight_.size() << " requests at the hardware";

	losses_->stop(false);
	main_->stop();
	if (paired_)
		lores_->stop();
	records_->stop();
}

/**
 * \brief Keep a request for the start of the hardware, or give it to the running hardware
 * \param[in] request The request
 * \return 0 on success, -EIO if the hardware did not start, or another negative error code
 */
int CmacamRequestFlow::queue(Request *request)
{
	/* A node that does not stream takes buffers all the same, and never returns them. */
	if (failed_)
		return -EIO;

	if (!quietStart_.isWaiting())
		return giveToHardware(request);

	if (quietStart_.add(request))
		startStreaming();
	else
		startTimer_.start(kStartPause);

	return 0;
}

int CmacamRequestFlow::giveToHardware(Request *request)
{
	const InFlight frame{request, request->findBuffer(main_->stream()),
			     paired_ ? request->findBuffer(lores_->stream()) : nullptr};
	if (!frame.main && !frame.lores) {
		LOG(Cmacam, Error) << "A request has no buffer for the stream";
		return -ENOENT;
	}

	/* The frame can come all the same, and its record tells what was in force. */
	int ret = controls_->queue(request);
	if (ret)
		LOG(Cmacam, Warning) << "The sensor did not take the controls of request "
				     << request->sequence() << ": " << strerror(-ret);

	ret = errors_->report(queueBuffers(frame));
	if (ret) {
		LOG(Cmacam, Debug) << "Request " << request->sequence()
				   << " was not queued: " << strerror(-ret);
		controls_->dropLast();
		return ret;
	}

	inFlight_.push_back(frame);
	if (frame.main)
		main_->noteQueued(frame.main);
	if (frame.lores)
		lores_->noteQueued(frame.lores);

	LOG(Cmacam, Debug) << "Request " << request->sequence() << " queued for"
			   << (frame.main ? " main" : "") << (frame.lores ? " lores" : "") << ", "
			   << request->controls().size() << " controls, " << inFlight_.size()
			   << " requests at the hardware";

	return 0;
}

/*
 * Linked nodes need a buffer each for every frame. The main node comes last: it
 * is what starts the board.
 *
 * A buffer of lores cannot be called back. If main refuses the buffer of the same
 * request, and there is no scratch buffer, it waits for a partner: main gets the
 * buffer of the next request once more. Otherwise each later request would
 * complete with a frame of lores that is still to come.
 */
int CmacamRequestFlow::queueBuffers(const InFlight &frame)
{
	if (!paired_)
		return main_->device()->queueBuffer(frame.main);

	FrameBuffer *lores = frame.lores ? frame.lores : lores_->scratch();
	FrameBuffer *main = frame.main ? frame.main : main_->scratch();
	if (!lores || !main) {
		LOG(Cmacam, Error) << "A request has no buffer for one of the streams";
		return -ENOBUFS;
	}

	int ret;
	for (; unpaired_; unpaired_--) {
		ret = main_->device()->queueBuffer(main);
		if (ret)
			return ret;
		inFlight_.push_back({nullptr, nullptr, nullptr});
	}

	ret = lores_->device()->queueBuffer(lores);
	if (ret)
		return ret;

	ret = main_->device()->queueBuffer(main);
	if (!ret)
		return 0;

	/* The application learns of the failure by its buffer. */
	errors_->report(ret);
	if (main != main_->scratch() && main_->scratch())
		ret = main_->device()->queueBuffer(main_->scratch());
	if (ret)
		unpaired_++;

	return ret;
}

void CmacamRequestFlow::mainReady(FrameBuffer *buffer)
{
	/* The one that stops the node cancels the requests. */
	if (buffer->metadata().status == FrameMetadata::FrameCancelled)
		return;

	Filled frame{buffer, buffer->metadata().timestamp, std::nullopt};
	if (const auto *record = records_->take(frame.timestamp, controls_->wantsStatistics()))
		frame.record = *record;
	else
		LOG(Cmacam, Warning) << "No metadata for frame " << buffer->metadata().sequence;

	/* First, so that what the algorithms find reaches the sensor early. */
	if (const auto *statistics = records_->takeStatistics())
		controls_->learn(*statistics);

	mainFilled_.push_back(frame);
	completeFrames();
}

void CmacamRequestFlow::loresReady(FrameBuffer *buffer)
{
	if (buffer->metadata().status == FrameMetadata::FrameCancelled)
		return;

	loresFilled_.push_back({buffer, buffer->metadata().timestamp, std::nullopt});
	completeFrames();
}

void CmacamRequestFlow::completeFrames()
{
	while (!mainFilled_.empty() && (!paired_ || !loresFilled_.empty())) {
		const Filled frame = mainFilled_.front();
		mainFilled_.pop_front();

		Filled partner;
		if (paired_) {
			partner = loresFilled_.front();
			loresFilled_.pop_front();
		}

		complete(frame, partner);
	}
}

/*
 * Frames take the requests in order. A buffer that another device still reads
 * is passed over until it has done so, but not by linked nodes.
 */
CmacamRequestFlow::InFlight CmacamRequestFlow::takeInFlight(const FrameBuffer *main)
{
	auto it = inFlight_.begin();
	if (!paired_)
		it = std::find_if(it, inFlight_.end(),
				  [main](const InFlight &part) { return part.main == main; });
	if (it == inFlight_.end())
		it = inFlight_.begin();

	const InFlight part = *it;
	inFlight_.erase(it);
	if (part.main)
		main_->noteReturned();
	if (part.lores)
		lores_->noteReturned();

	return part;
}

/* All that is known of a frame: its buffers, its record, its request, and what was lost. */
void CmacamRequestFlow::complete(const Filled &frame, const Filled &partner)
{
	/* Nobody waits for it: its request could not be queued in full. */
	if (inFlight_.empty()) {
		LOG(Cmacam, Debug) << "Ignoring a frame, because no request waits for it";
		return;
	}

	const InFlight part = takeInFlight(frame.buffer);
	Request *request = part.request;
	if (!request) {
		LOG(Cmacam, Debug) << "Ignoring the frame of a request that was not queued in full";
		return;
	}

	ControlList &result = request->_d()->metadata();

	/*
	 * V4L2VideoDevice counts from the first frame it has seen; the record
	 * counts from the start, frames lost there included.
	 */
	uint32_t sequence = frame.buffer->metadata().sequence + sequenceBase_;
	if (frame.record) {
		sequenceBase_ += frame.record->sequence - sequence;
		sequence = frame.record->sequence;
		fillFrameMetadata(*frame.record, &result);
	} else {
		result.set(controls::SensorTimestamp, static_cast<int64_t>(frame.timestamp));
	}

	controls_->frameDone(request, sequence, &result);
	if (frame.record)
		losses_->completed(sequence, frame.record->lost, inFlight_.empty());

	const bool torn = partner.buffer && frame.timestamp != partner.timestamp;
	if (torn)
		LOG(Cmacam, Error)
			<< "Main and lores show different frames from number " << sequence << " on";

	auto finish = [&](FrameBuffer *buffer, bool failed) {
		if (!buffer)
			return;

		FrameMetadata &metadata = buffer->_d()->metadata();
		metadata.sequence = sequence;
		metadata.timestamp = frame.timestamp;
		if (failed || torn)
			metadata.status = FrameMetadata::FrameError;

		camera_->pipe()->completeBuffer(request, buffer);
	};

	/* The scratch buffer stands in for one that could not be queued. */
	const bool flagged = frame.record && frame.record->flags & CMACAM_META_FLAG_ERROR;
	finish(part.main, flagged || frame.buffer != part.main);
	finish(part.lores, false);

	LOG(Cmacam, Debug) << "Request " << request->sequence() << " complete with frame "
			   << sequence << (flagged ? ", damaged" : "") << ", " << inFlight_.size()
			   << " requests at the hardware";
	camera_->pipe()->completeRequest(request);
}

/**
 * \brief Cancel all requests that have not completed
 */
void CmacamRequestFlow::cancel()
{
	startTimer_.stop();
	quietStart_.end();
	mainFilled_.clear();
	loresFilled_.clear();
	controls_->clear();
	inFlight_.clear();

	/*
	 * The oldest each time: it is pending, or it would have completed, and
	 * with it complete those behind it that are done. The application may
	 * have destroyed them all when this returns.
	 */
	while (!camera_->queuedRequests_.empty()) {
		Request *request = camera_->queuedRequests_.front();
		LOG(Cmacam, Debug) << "Cancelling request " << request->sequence();
		camera_->pipe()->cancelRequest(request);
	}
}

} /* namespace libcamera */
