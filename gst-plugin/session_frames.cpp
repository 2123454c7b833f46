/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraSession: the camera runs, requests go there and frames come back.
 */
#include <algorithm>
#include <cstring>
#include <utility>

#include <libcamera/control_ids.h>
#include <libcamera/framebuffer.h>

#include "driver_error.h"
#include "session.h"

using namespace std::chrono_literals;

namespace cmacam::gst {

namespace {

/* One that the camera writes to, and one to go on with. */
constexpr size_t kEnoughRequests = 2;

} /* namespace */

MaybeError CameraSession::start(StreamName which, const libcamera::ControlList &controls)
{
	{
		std::unique_lock lock(mutex_);
		changed_.wait_for(lock, kSetupLimit, [&] {
			return streaming_ || members_[which].flushing || !isExpected(other(which));
		});
		if (members_[which].flushing)
			return {};
	}

	std::lock_guard setup(setup_);
	setControls(controls);

	std::unique_lock lock(mutex_);
	if (lost_)
		return lostError();
	members_[which].started = true;
	if (streaming_)
		return {};

	lock.unlock();
	MaybeError error = startCamera();
	lock.lock();
	members_[which].started = !error;
	return error;
}

MaybeError CameraSession::startCamera()
{
	libcamera::ControlList controls(camera_->controls());

	{
		std::lock_guard lock(mutex_);
		controls.merge(controls_);
		setFrameDurationLimits(controls);
		pending_.clear();
		for (Member &member : members_)
			member.queue.renumber(member.started);
	}

	if (int ret = camera_->start(&controls); ret) {
		/* An element that had its frames is to learn of it, too. */
		std::lock_guard lock(mutex_);
		lost_ = lost_ || std::any_of(members_.begin(), members_.end(),
					     [](const Member &member) { return member.started; });
		changed_.notify_all();
		return Error{kindOf(ret, Error::Kind::Open),
			     "Camera '" + id() + "' did not start: " +
				     driverError(id()).value_or(strerror(-ret)),
			     "Camera::start() = " + describeErrno(ret)};
	}

	std::lock_guard lock(mutex_);
	streaming_ = true;
	queueRequests();
	return {};
}

void CameraSession::stopCamera()
{
	{
		std::lock_guard lock(mutex_);
		if (!std::exchange(streaming_, false))
			return;
	}

	camera_->stop();

	/*
	 * stop() has completed all requests, except where the camera is gone:
	 * then it does nothing, and the handler cancels them on libcamera's
	 * thread. The limit is for a handler that forgets one: it must not be
	 * queued again.
	 */
	std::unique_lock lock(mutex_);
	if (!changed_.wait_for(lock, 1s, [this] { return underWay_ == 0; }))
		lost_ = true;
}

bool CameraSession::started(StreamName which) const
{
	std::lock_guard lock(mutex_);
	return members_[which].started;
}

CameraSession::Wait CameraSession::waitFrame(StreamName which, CompletedFrame &frame)
{
	std::unique_lock lock(mutex_);
	Member &member = members_[which];

	changed_.wait(lock, [&] {
		return member.flushing || lost_ || member.refused || member.queue.hasFrame();
	});
	if (member.flushing)
		return Wait::Flushing;
	if (member.refused)
		return Wait::Refused;
	if (!member.queue.hasFrame())
		return Wait::Lost;

	frame = member.queue.takeFrame();
	return Wait::Frame;
}

void CameraSession::setFlushing(StreamName which, bool flushing)
{
	std::lock_guard lock(mutex_);
	members_[which].flushing = flushing;
	changed_.notify_all();
}

void CameraSession::setPaused(StreamName which, bool paused)
{
	std::lock_guard lock(mutex_);
	for (size_t buffer : members_[which].queue.setPaused(paused))
		giveBack(which, buffer);
	queueRequests();
}

bool CameraSession::Slot::isIdle() const
{
	return !underWay && std::none_of(parts.begin(), parts.end(),
					 [](const Part &part) { return part.buffers != nullptr; });
}

CameraSession::Slot *CameraSession::idleSlot()
{
	for (Slot &slot : slots_)
		if (slot.isIdle())
			return &slot;

	std::unique_ptr<libcamera::Request> request = camera_->createRequest(slots_.size());
	if (!request)
		return nullptr;
	slots_.emplace_back().request = std::move(request);
	return &slots_.back();
}

/* That of the request which filled @buffer, until it is queued; else null. */
CameraSession::Slot *CameraSession::slotOf(StreamName which, size_t buffer)
{
	for (Slot &slot : slots_) {
		const Slot::Part &part = slot.parts[which];
		if (part.buffers && part.buffers == members_[which].queue.buffers() &&
		    part.buffer == buffer)
			return &slot;
	}
	return nullptr;
}

const libcamera::ControlList &CameraSession::metadata(StreamName which, size_t buffer)
{
	std::lock_guard lock(mutex_);
	return slotOf(which, buffer)->request->metadata();
}

uint64_t CameraSession::agreedTime(StreamName which, size_t buffer, const void *clock,
				   uint64_t time)
{
	std::lock_guard lock(mutex_);
	Slot *slot = slotOf(which, buffer);

	if (slot->clock == clock)
		return slot->time;
	if (!slot->clock) {
		slot->clock = clock;
		slot->time = time;
	}
	return time;
}

bool CameraSession::isDry(StreamName which) const
{
	std::lock_guard lock(mutex_);
	const StreamQueue &queue = members_[which].queue;

	return !members_[which].refused && !lost_ && !queue.hasFree() && !queue.hasFrame() &&
	       queue.underWay() == 0;
}

void CameraSession::queue(StreamName which, size_t buffer)
{
	std::lock_guard lock(mutex_);
	giveBack(which, buffer);
	queueRequests();
}

void CameraSession::giveBack(StreamName which, size_t buffer)
{
	if (Slot *slot = slotOf(which, buffer)) {
		slot->parts[which] = {};
		members_[which].queue.giveBack(buffer);
	}
}

/*
 * A frame is for every stream, so a stream whose buffers are on their way back
 * is waited for. Not if the camera runs dry meanwhile: who keeps its frames, or
 * looks at one for long, shall not hold the other one up.
 */
bool CameraSession::isWorthARequest() const
{
	bool any = false;

	for (const Member &member : members_) {
		if (member.queue.hasFree())
			any = true;
		else if (member.queue.underWay() && underWay_ >= kEnoughRequests)
			return false;
	}
	return any;
}

/*
 * The lock is held across queueRequest(), which only posts a message to
 * libcamera's thread, so that no request can slip in behind the stop() that
 * has just cleared streaming_.
 */
void CameraSession::queueRequests()
{
	while (streaming_ && !lost_ && isWorthARequest())
		queueRequest();
}

void CameraSession::queueRequest()
{
	Slot *slot = idleSlot();
	bool good = slot;

	if (slot && slot->request->status() != libcamera::Request::RequestPending)
		slot->request->reuse();

	for (StreamName which : kStreamNames) {
		Member &member = members_[which];
		if (!good || !member.queue.hasFree())
			continue;

		Slot::Part &part = slot->parts[which];
		part = {member.queue.buffers(), member.queue.takeFree()};
		good = slot->request->addBuffer(member.stream, (*part.buffers)[part.buffer]) == 0;
	}

	if (good && !pending_.empty()) {
		slot->request->controls().merge(pending_);
		pending_.clear();
	}

	if (good && camera_->queueRequest(slot->request.get()) == 0) {
		slot->underWay = true;
		slot->clock = nullptr;
		underWay_++;
		return;
	}

	lost_ = true;
	changed_.notify_all();
}

/* A buffer of @slot is back; what is not for the element is free again. */
void CameraSession::partCompleted(Slot &slot, StreamName which)
{
	using libcamera::FrameMetadata;

	const libcamera::Request &request = *slot.request;
	Slot::Part &part = slot.parts[which];
	StreamQueue &queue = members_[which].queue;

	/* The stream may have given it up meanwhile. */
	if (part.buffers != queue.buffers()) {
		part = {};
		return;
	}

	const FrameMetadata &meta = (*part.buffers)[part.buffer]->metadata();
	if (!queue.isProven() && streaming_ && meta.status != FrameMetadata::FrameSuccess) {
		members_[which].refused = true;
		part = {};
		dropBuffers(which);
		return;
	}

	if (request.status() == libcamera::Request::RequestCancelled ||
	    meta.status == FrameMetadata::FrameCancelled || !streaming_) {
		/* Nobody but stopCamera() cancels a camera that still works. */
		lost_ = lost_ || streaming_;
		queue.cancel(part.buffer);
		part = {};
		return;
	}

	const auto timestamp = request.metadata().get(libcamera::controls::SensorTimestamp);
	const auto wall = request.metadata().get(libcamera::controls::FrameWallClock);
	const auto duration = request.metadata().get(libcamera::controls::FrameDuration);
	const CapturedFrame frame = {
		.sequence = meta.sequence,
		.corrupted = meta.status == FrameMetadata::FrameError,
		.timestamp = static_cast<uint64_t>(timestamp.value_or(meta.timestamp)),
		.wallClock = static_cast<uint64_t>(wall.value_or(0)),
		.duration = static_cast<uint64_t>(duration.value_or(0)) * 1000,
	};
	if (!queue.complete(part.buffer, frame))
		part = {};
}

/* Runs on libcamera's thread. */
void CameraSession::requestCompleted(libcamera::Request *request)
{
	std::unique_lock lock(mutex_);
	Slot &slot = slots_[request->cookie()];

	slot.underWay = false;
	underWay_--;
	for (StreamName which : kStreamNames)
		if (slot.parts[which].buffers)
			partCompleted(slot, which);
	queueRequests();

	/*
	 * Whom this wakes need not wait for the lock again, and the session is
	 * still there: stopCamera() waits for those requests that are left.
	 */
	if (underWay_ > 0)
		lock.unlock();
	changed_.notify_all();
}

/* Runs on libcamera's thread. */
void CameraSession::cameraDisconnected()
{
	std::lock_guard lock(mutex_);
	lost_ = true;
	changed_.notify_all();
}

} /* namespace cmacam::gst */
