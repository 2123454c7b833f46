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

namespace libcamera {

LOG_DECLARE_CATEGORY(Cmacam)

namespace {

/*
 * The driver finishes both halves of a frame in one go. A record that is this
 * late is lost, and the frame must not wait for a successor that may never be
 * captured: an application can have one request only.
 */
constexpr std::chrono::milliseconds kRecordTimeout{1000};

} /* namespace */

/**
 * \brief Give a request to the hardware
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
		return removed_ ? 0 : -ENODEV;
	}

	FrameBuffer *buffer = request->findBuffer(&stream_);
	if (!buffer) {
		LOG(Cmacam, Error) << "Request without a buffer for the stream";
		return -ENOENT;
	}

	int ret = controls_->apply(request->controls());
	if (ret)
		return ret;

	return report(video_->queueBuffer(buffer));
}

void CmacamCameraData::videoReady(FrameBuffer *buffer)
{
	if (buffer->metadata().status == FrameMetadata::FrameCancelled) {
		complete({buffer, std::nullopt});
		return;
	}

	join_.addBuffer(buffer, buffer->metadata().timestamp);
	completeFrames();
}

void CmacamCameraData::metadataReady(FrameBuffer *buffer)
{
	if (buffer->metadata().status == FrameMetadata::FrameCancelled)
		return;

	/* The CPU wrote the record, so there is no cache to synchronise. */
	const MappedBuffer::Plane &plane = metadataMaps_.at(buffer).planes()[0];
	cmacam_frame_meta record{};
	memcpy(&record, plane.data(), std::min(plane.size(), sizeof(record)));

	const FrameMetadata &metadata = buffer->metadata();
	if (metadata.status == FrameMetadata::FrameSuccess &&
	    record.size >= offsetof(cmacam_frame_meta, reserved))
		join_.addRecord(record, metadata.timestamp);

	metadata_->queueBuffer(buffer);
	completeFrames();
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
	Request *request = frame.buffer->request();
	ControlList &result = request->_d()->metadata();
	FrameMetadata &metadata = frame.buffer->_d()->metadata();

	if (frame.record) {
		/*
		 * V4L2VideoDevice counts from the first frame it has seen; the
		 * record counts from the start, frames lost there included.
		 */
		sequenceBase_ = frame.record->sequence - metadata.sequence;
		if (frame.record->flags & CMACAM_META_FLAG_ERROR)
			metadata.status = FrameMetadata::FrameError;

		CmacamSensorControls::fillMetadata(*frame.record, &result);
	} else if (metadata.status != FrameMetadata::FrameCancelled) {
		result.set(controls::SensorTimestamp, static_cast<int64_t>(metadata.timestamp));
	}

	if (metadata.status != FrameMetadata::FrameCancelled)
		metadata.sequence += sequenceBase_;

	pipe()->completeBuffer(request, frame.buffer);
	pipe()->completeRequest(request);
}

/* Complete as cancelled whatever has not completed by itself. */
void CmacamCameraData::cancelQueued()
{
	recordTimer_.stop();
	join_.clear();

	/*
	 * The oldest each time: it is pending, or it would have completed, and
	 * with it complete those behind it that are done. The application may
	 * have destroyed them all when this returns.
	 */
	while (!queuedRequests_.empty())
		pipe()->cancelRequest(queuedRequests_.front());
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

	cancelQueued();

	metadataMaps_.clear();
	metadata_->close();
	metadataBuffers_.clear();
	video_->close();
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
}

} /* namespace libcamera */
