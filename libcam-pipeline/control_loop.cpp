/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From requests and statistics to the sensor: which settings it gets, and when.
 */

#include "control_loop.h"

#include <cstring>
#include <utility>

#include <libcamera/base/log.h>

#include <libcamera/control_ids.h>

#include "libcamera/internal/camera_sensor.h"
#include "libcamera/internal/media_device.h"
#include "libcamera/internal/request.h"

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

/**
 * \class CmacamControlLoop
 * \brief Writes the controls of requests and the settings of the algorithms to the sensor in time
 *
 * Requests come in the order of their frames. The controls of a request are
 * written when its frame is the next frame to begin. When the algorithms find
 * new settings from statistics, these settings are written at once.
 */

/**
 * \brief Construct the loop of a camera
 * \param[in] pipe The pipeline handler
 * \param[in] sensor The sensor, which must outlive this object
 * \param[in] media The media device
 */
CmacamControlLoop::CmacamControlLoop(PipelineHandler *pipe, CameraSensor *sensor,
				     const MediaDevice *media)
	: sensor_(sensor),
	  hasStatistics_(media->getEntityByName("cmacam-stats")),
	  controls_(sensor),
	  ipa_(makeCmacamIpa(pipe)),
	  followsStarts_(false),
	  quietRequests_(0),
	  skippedFrames_(0)
{
	sensor_->device()->frameStart.connect(this, [this](uint32_t sequence) {
		schedule_.frameStarted(sequence);
		writeDueControls();
	});
}

/**
 * \brief Find out from the sensor which controls the camera has
 * \param[out] controls The controls of the camera
 *
 * The caller must call this function again whenever the sensor's format has
 * changed.
 *
 * \return 0 on success or a negative error code otherwise
 */
int CmacamControlLoop::describe(ControlInfoMap *controls)
{
	int ret = controls_.readLimits();
	if (ret) {
		LOG(Cmacam, Error) << "The sensor's timing controls cannot be read";
		return ret;
	}

	ControlInfoMap::Map map;
	controls_.addControls(&map);

	cmacam::ipa::SensorInfo info = controls_.info();
	info.statistics = hasStatistics_;
	ret = ipa_.init(info, &map);
	if (ret)
		return ret;

	*controls = ControlInfoMap(std::move(map), controls::controls);

	return 0;
}

/**
 * \brief Begin a session and write the settings of its first frames
 *
 * All controls get their defaults, except those in \a controls. The algorithms
 * continue with the results of the last session, unless forget() was called
 * since then.
 *
 * \param[in] controls Controls of the first frames, or nullptr
 * \return 0 on success or a negative error code otherwise; after an error, the caller must call
 * stop()
 */
int CmacamControlLoop::start(const ControlList *controls)
{
	schedule_.clear();
	skippedFrames_ = 0;

	cmacam::ipa::SensorInfo info = controls_.info();
	info.statistics = hasStatistics_;
	int ret = ipa_.start(info);
	if (ret)
		return ret;
	controls_.reset();

	if (controls) {
		ipa_.queueRequest(0, *controls);
		controls_.queueRequest(*controls);
	}

	return controls_.write(ipa_.settings());
}

/**
 * \brief End a session
 */
void CmacamControlLoop::stop()
{
	if (followsStarts_)
		sensor_->device()->setFrameStartEnabled(false);
	followsStarts_ = false;

	ipa_.stop();
}

/**
 * \brief Forget the results of the algorithms
 */
void CmacamControlLoop::forget()
{
	ipa_.forget();
}

/**
 * \brief Watch the starts of frames, because requests with controls follow
 *
 * Each watched start of a frame costs an interrupt. The caller must call this
 * function before the first of these requests is at the hardware.
 */
void CmacamControlLoop::expectControls()
{
	quietRequests_ = 0;
	if (followsStarts_)
		return;

	LOG(Cmacam, Debug) << "Watching the starts of frames, because requests have controls";
	followsStarts_ = true;
	schedule_.followStarts(!sensor_->device()->setFrameStartEnabled(true));
}

/* Many applications set controls once, with their first requests. */
void CmacamControlLoop::ignoreStarts()
{
	LOG(Cmacam, Debug) << "No longer watching the starts of frames: " << quietRequests_
			   << " successive requests had no controls";
	followsStarts_ = false;
	sensor_->device()->setFrameStartEnabled(false);
	schedule_.followStarts(false);
	writeDueControls();
}

/**
 * \brief Process a request that is about to go to the hardware
 * \param[in] request The request
 *
 * The caller must call this function before it queues the buffers of the
 * request, so that the controls are written before the frame begins.
 *
 * \return 0 on success or a negative error code if the sensor did not take the controls; the
 * request may go to the hardware nevertheless
 */
int CmacamControlLoop::queue(Request *request)
{
	if (!request->controls().empty())
		expectControls();
	schedule_.queue(request);

	return writeDueControls();
}

/**
 * \brief Remove the request that was queued last, because it does not go to the hardware
 */
void CmacamControlLoop::dropLast()
{
	schedule_.dropLast();
}

/* Write the controls of the request whose frame is the next to begin. */
int CmacamControlLoop::writeDueControls()
{
	bool any = false;

	while (Request *request = schedule_.due()) {
		ipa_.queueRequest(request->sequence(), request->controls());
		if (!request->controls().empty()) {
			LOG(Cmacam, Debug)
				<< "The controls of request " << request->sequence() << " are due";
			controls_.queueRequest(request->controls());
		}
		any = true;
	}

	return any ? controls_.write(ipa_.settings()) : 0;
}

/**
 * \brief Decide whether the algorithms get the statistics of a frame
 *
 * The caller must call this function once for each frame that has completed.
 *
 * \return True if the caller has to pass the statistics to learn()
 */
bool CmacamControlLoop::wantsStatistics()
{
	const unsigned int interval = ipa_.statisticsInterval();
	if (!interval || ++skippedFrames_ < interval)
		return false;

	skippedFrames_ = 0;

	return true;
}

/**
 * \brief Run the algorithms on the statistics of a frame
 * \param[in] statistics The statistics, with the exposure and the gain of the same frame
 */
void CmacamControlLoop::learn(const cmacam_frame_stats &statistics)
{
	if (ipa_.processStats({statistics.exposure, statistics.gain}, statistics.stats))
		controls_.write(ipa_.settings());
}

/**
 * \brief Handle the end of the frame of the oldest request
 * \param[in] request The request of the frame
 * \param[in] sequence Sequence number of the frame, from the hardware
 * \param[inout] metadata Metadata of the request, to which the algorithms add theirs
 */
void CmacamControlLoop::frameDone(Request *request, uint32_t sequence, ControlList *metadata)
{
	/* Frames may be faster than news of them: controls come late then, but they come. */
	schedule_.frameStarted(sequence);
	writeDueControls();

	ipa_.fillMetadata(request->sequence(), metadata);
	schedule_.frameCompleted(sequence);

	/* The last one with controls has completed: fewer than these can be under way. */
	if (followsStarts_ && request->controls().empty() && ++quietRequests_ > kQuietRequests)
		ignoreStarts();
}

/**
 * \brief Forget all requests
 */
void CmacamControlLoop::clear()
{
	schedule_.clear();
}

} /* namespace libcamera */
