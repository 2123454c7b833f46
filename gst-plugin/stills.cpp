/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stills: single pictures beside the frames of cmacamsrc.
 */
#include "stills.h"

#include <cerrno>
#include <mutex>
#include <string>
#include <utility>

#include "caps.h"
#include "device_access.h"
#include "frame_fields.h"
#include "open_stream.h"

namespace cmacam::gst {

Stills::Stills(std::shared_ptr<CameraSession> share, CapsPtr caps)
	: caps_(std::move(caps)), session_(std::move(share))
{
}

Result<std::shared_ptr<Stills>> Stills::create(const CameraSession &session,
					       const libcamera::Camera *gone, const GstCaps *wanted)
{
	const std::string camera = "Camera '" + session.id() + "'";
	if (session.camera()->streams().size() < 2)
		return Error{EINVAL, camera + " has only one stream, so it has no stills beside "
					      "other frames: unset still-caps"};

	auto share = openStream(session.id(), Stream::Main, gone);
	if (!share)
		return share.error();
	const CameraOffer offer = (*share)->offer(Stream::Main);
	CapsPtr caps = fixateStillCaps(wanted, offer);
	if (!caps || !settingsFromCaps(caps.get()))
		return Error{EINVAL, camera + " has no stills of the caps " +
					     StringPtr(gst_caps_to_string(wanted)).get() +
					     "; it offers " + describeOffer(offer)};

	(*share)->setOnDemand(Stream::Main);
	(*share)->setDelivery(Stream::Main, {.newestOnly = false, .damaged = false});
	return std::shared_ptr<Stills>(new Stills(*std::move(share), std::move(caps)));
}

StreamSettings Stills::settings() const
{
	return session_->offer(Stream::Main).forStills(*settingsFromCaps(caps_.get()));
}

Result<void> Stills::open()
{
	std::lock_guard lock(open_);
	const std::shared_ptr<const StreamBuffers> buffers = session_->buffers(Stream::Main);

	if (pool_)
		pool_->retire();
	/* The pointer is safe: each pool is retired before the share ends. */
	pool_ = FramePool::create(*buffers, [session = session_.get()](size_t buffer) {
		session->queue(Stream::Main, buffer);
	});
	if (!pool_)
		return tooManyFiles("Camera '" + session_->id() + "'", buffers->size());
	writer_ = FrameWriter(buffers->layout());
	return {};
}

void Stills::close()
{
	std::shared_ptr<CameraSession> ending;
	std::unique_lock lock(open_);

	if (pool_)
		pool_->retire();
	/* The share ends without the lock: the last user stops libcamera's thread. */
	ending.swap(session_);
	lock.unlock();
}

Result<BufferPtr> Stills::take(std::chrono::milliseconds limit, GstElement *element)
{
	std::shared_lock lock(open_);
	if (!session_ || !pool_)
		return Error{ECANCELED, "the camera is not open"};

	CompletedFrame frame;
	switch (session_->capture(Stream::Main, limit, frame)) {
	case CameraSession::Wait::Frame:
		break;
	case CameraSession::Wait::Lost:
		return session_->lostError();
	case CameraSession::Wait::TimedOut: {
		const std::string within =
			"none came within " + std::to_string(limit.count()) + " ms";
		if (pool_->isEmpty())
			return Error{EBUSY, within + ", because the application still holds the "
						     "snapshots before it"};
		return Error{ETIMEDOUT, within};
	}
	default:
		return Error{ECANCELED,
			     "cmacamsrc does not play, or was paused, flushed or stopped"};
	}

	/* Before the memory can find its way back to the camera. */
	const GstClockTime time = startOfExposure(element, *session_, frame);
	BufferPtr buffer = writer_.wrap(pool_->take(frame.buffer));
	if (!buffer)
		return Error{ENOMEM, "no memory for a GstBuffer"};
	GST_BUFFER_PTS(buffer.get()) = time;
	setFrameFields(buffer.get(), frame);
	return buffer;
}

} /* namespace cmacam::gst */
