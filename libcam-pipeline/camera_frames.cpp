/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One cmacam camera: the way of a request through the devices and back.
 */

#include "camera_data.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>

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
 * The driver finishes all parts of a frame in one go. A record that is this
 * late is lost, and the frame must not wait for a successor that may never be
 * captured: an application can have one request only.
 */
constexpr std::chrono::milliseconds kRecordTimeout{1000};

/*
 * How long a start waits for the next request. An application that has only one
 * waits no longer than this for its first frame; one that has several queues
 * them within milliseconds, and within this on a machine that is busy.
 */
constexpr std::chrono::milliseconds kStartPause{250};

/* Requests in a row without controls after which none are expected any more. */
constexpr unsigned int kQuietRequests = 20;
static_assert(kQuietRequests > CmacamCameraData::kMaxQueued);

/* A board that waits for buffers waits for these as well. */
constexpr unsigned int kStatisticsBuffers = 8;

} /* namespace */

/**
 * \brief Take a request, for the hardware to start with or at once
 * \param[in] request The request
 * \return 0 on success or a negative error code otherwise
 */
int CmacamCameraData::queueRequest(Request *request)
{
	if (unplugged_) {
		/*
		 * The request was on its way while the camera was taken out.
		 * Once Camera::disconnect() has run, completing it is a fatal
		 * error in libcamera; the application has got its signal.
		 */
		LOG(Cmacam, Debug)
			<< "Request " << request->sequence() << " comes after the unplug";
		return removed_ ? 0 : -ENODEV;
	}

	if (!quietStart_.isWaiting()) {
		int ret = giveToHardware(request);
		if (!ret)
			followStatistics();
		return ret;
	}

	if (quietStart_.add(request))
		startStreaming();
	else
		startTimer_.start(kStartPause);

	return 0;
}

int CmacamCameraData::giveToHardware(Request *request)
{
	const InFlight frame{request, request->findBuffer(main_->stream()),
			     paired_ ? request->findBuffer(lores_->stream()) : nullptr};
	if (!frame.main && !frame.lores) {
		LOG(Cmacam, Error) << "Request without a buffer for the stream";
		return -ENOENT;
	}

	/* First, so that the controls are there when the frame begins. */
	if (!request->controls().empty())
		followStarts();
	schedule_.queue(request);
	int ret = writeDueControls();
	if (!ret)
		ret = report(queueBuffers(frame));
	if (ret) {
		LOG(Cmacam, Debug)
			<< "Request " << request->sequence() << " not queued: " << strerror(-ret);
		schedule_.dropLast();
		return ret;
	}

	inFlight_.push_back(frame);
	if (frame.main)
		main_->noteBuffer(frame.main);
	if (frame.lores)
		lores_->noteBuffer(frame.lores);

	LOG(Cmacam, Debug) << "Request " << request->sequence() << " queued for"
			   << (frame.main ? " main" : "") << (frame.lores ? " lores" : "") << ", "
			   << request->controls().size() << " controls, " << inFlight_.size()
			   << " at the hardware";

	return 0;
}

/*
 * Linked nodes need a buffer each for every frame. The main node comes last: it
 * is what starts the board.
 */
int CmacamCameraData::queueBuffers(const InFlight &frame)
{
	if (!paired_)
		return main_->device()->queueBuffer(frame.main);

	FrameBuffer *lores = frame.lores ? frame.lores : lores_->scratch();
	FrameBuffer *main = frame.main ? frame.main : main_->scratch();
	if (!lores || !main) {
		LOG(Cmacam, Error) << "Request without a buffer for one of the streams";
		return -ENOBUFS;
	}

	int ret = lores_->device()->queueBuffer(lores);
	if (ret)
		return ret;

	ret = main_->device()->queueBuffer(main);
	if (!ret)
		return 0;

	/*
	 * The other half is on its way and cannot be called back. It keeps a
	 * partner, and the application learns of the failure by its buffer.
	 */
	report(ret);
	if (main != main_->scratch() && main_->scratch())
		ret = main_->device()->queueBuffer(main_->scratch());

	return ret;
}

/* Ask for news of starts of frames, which cost an interrupt each, once they are needed. */
void CmacamCameraData::followStarts()
{
	quietRequests_ = 0;
	if (followsStarts_)
		return;

	LOG(Cmacam, Debug) << "Starts of frames are followed, for the controls of requests";
	followsStarts_ = true;
	schedule_.followStarts(!sensor_->device()->setFrameStartEnabled(true));
}

/* Many applications set controls once, with their first requests. */
void CmacamCameraData::unfollowStarts()
{
	LOG(Cmacam, Debug) << "Starts of frames are followed no more: no controls came with "
			   << quietRequests_ << " requests";
	followsStarts_ = false;
	sensor_->device()->setFrameStartEnabled(false);
	schedule_.followStarts(false);
	writeDueControls();
}

/* Statistics are for the algorithms: none of them on, no statistics. */
void CmacamCameraData::followStatistics()
{
	if (!statistics_ || statisticsFailed_ || statistics_->isRunning() == ipa_.wantsStatistics())
		return;

	LOG(Cmacam, Debug) << "Statistics " << (statistics_->isRunning() ? "stop" : "start")
			   << " with the algorithms that want them";
	if (statistics_->isRunning()) {
		statistics_->stop();
		return;
	}

	statsJoin_.clear();
	int ret = statistics_->start(kStatisticsBuffers);
	statisticsFailed_ = ret < 0;
	if (ret)
		LOG(Cmacam, Warning) << "No statistics, so nothing automatic: " << strerror(-ret);
}

/* Write the controls of the request whose frame is the next to begin. */
int CmacamCameraData::writeDueControls()
{
	bool any = false;

	while (Request *request = schedule_.due()) {
		ipa_.queueRequest(request->sequence(), request->controls());
		if (!request->controls().empty()) {
			LOG(Cmacam, Debug)
				<< "The controls of request " << request->sequence() << " are due";
			controls_->queueRequest(request->controls());
		}
		any = true;
	}

	return any ? controls_->write(ipa_.settings()) : 0;
}

void CmacamCameraData::mainReady(FrameBuffer *buffer)
{
	/* Whoever stops the node cancels the requests. */
	if (buffer->metadata().status == FrameMetadata::FrameCancelled)
		return;

	join_.addBuffer(buffer, buffer->metadata().timestamp);
	completeFrames();
}

void CmacamCameraData::loresReady(FrameBuffer *buffer)
{
	if (buffer->metadata().status == FrameMetadata::FrameCancelled)
		return;

	join_.addPartner(buffer, buffer->metadata().timestamp);
	completeFrames();
}

void CmacamCameraData::recordReady(Span<const uint8_t> data, const FrameMetadata &metadata)
{
	cmacam_frame_meta record{};
	memcpy(&record, data.data(), std::min(data.size(), sizeof(record)));

	if (metadata.status == FrameMetadata::FrameSuccess && record.size >= kShortestRecord) {
		join_.addRecord(record, metadata.timestamp);
		learn(statsJoin_.addRecord(metadata.timestamp, {record.exposure, record.gain}));
	} else {
		LOG(Cmacam, Debug) << "A record of " << data.size() << " bytes is of no use";
	}

	completeFrames();
}

void CmacamCameraData::statisticsReady(Span<const uint8_t> data, const FrameMetadata &metadata)
{
	if (metadata.status != FrameMetadata::FrameSuccess || data.size() < sizeof(cmacam_stats))
		return;

	learn(statsJoin_.addStats(metadata.timestamp,
				  *reinterpret_cast<const cmacam_stats *>(data.data())));
}

void CmacamCameraData::learn(const CmacamStatsJoin::Match &match)
{
	if (match.stats && ipa_.processStats(match.inForce, *match.stats))
		controls_->write(ipa_.settings());
}

void CmacamCameraData::completeFrames()
{
	while (auto frame = join_.next())
		complete(*frame);

	if (join_.isWaiting())
		recordTimer_.start(kRecordTimeout);
	else
		recordTimer_.stop();
}

void CmacamCameraData::completeLateFrames()
{
	/* All: the timer runs since the last of them. */
	while (auto frame = join_.nextWithoutRecord()) {
		LOG(Cmacam, Warning)
			<< "No metadata for frame " << frame->buffer->metadata().sequence;
		complete(*frame);
	}
}

void CmacamCameraData::complete(const CmacamFrameJoin::Frame &frame)
{
	/* Nobody waits for it: its request could not be queued in full. */
	if (inFlight_.empty()) {
		LOG(Cmacam, Debug) << "A frame without a request";
		return;
	}

	/*
	 * Frames take the requests in order. A buffer that another device still
	 * reads is passed over until it has done so, but by linked nodes.
	 */
	auto it = inFlight_.begin();
	if (!paired_)
		it = std::find_if(it, inFlight_.end(), [&frame](const InFlight &part) {
			return part.main == frame.buffer;
		});
	if (it == inFlight_.end())
		it = inFlight_.begin();
	const InFlight part = *it;
	inFlight_.erase(it);

	Request *request = part.request;
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
		fillTimestamps(frame.timestamp, &result);
	}

	/* Frames may be faster than news of them: controls come late then, but they come. */
	schedule_.frameStarted(sequence);
	writeDueControls();

	ipa_.fillMetadata(request->sequence(), &result);
	schedule_.frameCompleted(sequence);
	if (frame.record)
		tellLosses(losses_.completed(sequence, frame.record->lost, inFlight_.empty()));

	const bool torn = frame.partner && frame.timestamp != frame.partnerTimestamp;
	if (torn)
		LOG(Cmacam, Error) << "The streams are apart from frame " << sequence << " on";

	auto finish = [&](FrameBuffer *buffer, bool failed) {
		if (!buffer)
			return;

		FrameMetadata &metadata = buffer->_d()->metadata();
		metadata.sequence = sequence;
		metadata.timestamp = frame.timestamp;
		if (failed || torn)
			metadata.status = FrameMetadata::FrameError;

		pipe()->completeBuffer(request, buffer);
	};

	/* The scratch buffer stands in for one that could not be queued. */
	const bool flagged = frame.record && frame.record->flags & CMACAM_META_FLAG_ERROR;
	finish(part.main, flagged || frame.buffer != part.main);
	finish(part.lores, false);

	/* The last one with controls has completed: fewer than these can be under way. */
	if (followsStarts_ && request->controls().empty() && ++quietRequests_ > kQuietRequests)
		unfollowStarts();

	LOG(Cmacam, Debug) << "Request " << request->sequence() << " complete with frame "
			   << sequence << (flagged ? ", damaged" : "") << ", " << inFlight_.size()
			   << " at the hardware";
	pipe()->completeRequest(request);
}

/* Complete as cancelled whatever has not completed by itself. */
void CmacamCameraData::cancelQueued()
{
	recordTimer_.stop();
	startTimer_.stop();
	quietStart_.end();
	join_.clear();
	schedule_.clear();
	inFlight_.clear();

	/*
	 * The oldest each time: it is pending, or it would have completed, and
	 * with it complete those behind it that are done. The application may
	 * have destroyed them all when this returns.
	 */
	while (!queuedRequests_.empty()) {
		Request *request = queuedRequests_.front();
		LOG(Cmacam, Debug) << "Cancelling request " << request->sequence();
		pipe()->cancelRequest(request);
	}
}

/**
 * \brief The hardware has gone: give back every request and let go of it
 *
 * Runs on the first of two signs, poll()'s or udev's.
 */
void CmacamCameraData::unplug()
{
	if (unplugged_)
		return;

	unplugged_ = true;

	LOG(Cmacam, Warning) << "Camera '" << id() << "' was unplugged";

	unwatchLosses();
	cancelQueued();

	metadata_->close();
	if (statistics_)
		statistics_->close();
	if (lores_)
		lores_->device()->close();
	main_->device()->close();
}

/**
 * \brief libcamera is about to disconnect the camera
 *
 * The last moment at which requests can complete.
 */
void CmacamCameraData::remove()
{
	unplug();
	removed_ = true;
	LOG(Cmacam, Debug) << "Camera '" << id() << "' is removed: no request completes any more";
}

} /* namespace libcamera */
