/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RequestPump: moves the frames of a camera by libcamera's requests.
 */
#include "request_pump.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <libcamera/control_ids.h>
#include <libcamera/framebuffer.h>

namespace cmacam {

namespace controls = libcamera::controls;
using libcamera::FrameMetadata;

namespace {

/* One that the camera writes to, and one to go on with. */
constexpr size_t kEnoughRequests = 2;

/* libcamera has the same numbers. */
AeState aeStateOf(int32_t state)
{
	switch (state) {
	case controls::AeStateSearching:
		return AeState::Searching;
	case controls::AeStateConverged:
		return AeState::Converged;
	default:
		return AeState::Idle;
	}
}

CompletedFrame completedFrame(const libcamera::Request &request, const FrameMetadata &meta)
{
	const libcamera::ControlList &told = request.metadata();
	CompletedFrame frame;

	frame.sequence = meta.sequence;
	frame.damaged = meta.status == FrameMetadata::FrameError;
	frame.timestamp = told.get(controls::SensorTimestamp)
				  .value_or(static_cast<std::int64_t>(meta.timestamp));
	frame.wallClock = told.get(controls::FrameWallClock).value_or(0);
	frame.exposure = std::chrono::microseconds(told.get(controls::ExposureTime).value_or(0));
	frame.duration = std::chrono::microseconds(told.get(controls::FrameDuration).value_or(0));
	frame.analogueGain = told.get(controls::AnalogueGain).value_or(0);
	frame.digitalGain = told.get(controls::DigitalGain).value_or(1);
	frame.aeState = aeStateOf(told.get(controls::AeState).value_or(controls::AeStateIdle));
	return frame;
}

} /* namespace */

uint64_t RequestSlot::agreedTime(const void *clock, uint64_t time)
{
	if (clock_ == clock)
		return time_;
	if (!clock_) {
		clock_ = clock;
		time_ = time;
	}
	return time;
}

bool RequestSlot::isIdle() const
{
	return !underWay_ && std::none_of(parts_.begin(), parts_.end(),
					  [](const Part &part) { return part.buffers != nullptr; });
}

RequestPump::RequestPump(std::shared_ptr<libcamera::Camera> camera)
	: camera_(std::move(camera)),
	  pending_(libcamera::controls::controls),
	  normal_(libcamera::controls::controls)
{
}

void RequestPump::setControls(const libcamera::ControlList &controls)
{
	for (const auto &[id, value] : controls) {
		pending_.set(id, value);
		if (isBracketing())
			normal_.set(id, value);
	}
}

void RequestPump::bracket(Stream which, std::deque<libcamera::ControlList> sets,
			  const libcamera::ControlList &normal)
{
	bracket_ = std::move(sets);
	normal_ = normal;
	bracketOf_ = which;
	bracketIndex_ = 0;
}

void RequestPump::endBracket(Stream which)
{
	if (!isBracketing() || which != bracketOf_)
		return;
	bracket_.clear();
	pending_.merge(normal_);
}

void RequestPump::stop()
{
	running_ = false;
	bracket_.clear();
}

/*
 * A frame is for every stream, so a stream whose buffers are on their way back
 * is waited for. Not if the camera runs dry meanwhile: a user that keeps its
 * frames, or looks at one for long, shall not hold the other one up. A single
 * picture neither waits nor is waited for: it takes no frame away from the stream
 * that flows.
 */
bool RequestPump::isWorthARequest() const
{
	bool any = false;

	for (const StreamQueue &queue : queues_) {
		if (queue.hasFree())
			any = any || !queue.isOnDemand() || underWay_ == 0;
		else if (queue.takesPart() && !queue.isOnDemand() &&
			 (tied_ || (queue.underWay() && underWay_ >= kEnoughRequests)))
			return false;
	}
	return any;
}

int RequestPump::queueRequests()
{
	int ret = 0;

	while (running_ && ret == 0 && isWorthARequest())
		ret = queueRequest();
	return ret;
}

RequestSlot *RequestPump::idleSlot()
{
	for (RequestSlot &slot : slots_)
		if (slot.isIdle())
			return &slot;

	std::unique_ptr<libcamera::Request> request = camera_->createRequest(slots_.size());
	if (!request)
		return nullptr;
	slots_.emplace_back().request_ = std::move(request);
	return &slots_.back();
}

int RequestPump::queueRequest()
{
	RequestSlot *slot = idleSlot();
	if (!slot)
		return -ENOMEM;

	libcamera::Request &request = *slot->request_;
	if (request.status() != libcamera::Request::RequestPending)
		request.reuse();

	int ret = addBuffers(*slot);
	if (ret == 0) {
		addControls(*slot);
		ret = camera_->queueRequest(&request);
	}
	if (ret < 0) {
		takeBack(*slot);
		return ret;
	}

	controlsSent(*slot);
	slot->underWay_ = true;
	slot->clock_ = nullptr;
	underWay_++;
	return 0;
}

void RequestPump::addControls(RequestSlot &slot)
{
	using libcamera::ControlList;

	ControlList &controls = slot.request_->controls();
	const bool isOne = isBracketing() && slot.parts_[bracketOf_].buffers;

	slot.bracket_ = isOne ? bracketIndex_ : -1;
	controls.merge(pending_);
	if (!isOne)
		return;
	controls.merge(normal_, ControlList::MergePolicy::OverwriteExisting);
	controls.merge(bracket_.front(), ControlList::MergePolicy::OverwriteExisting);
}

void RequestPump::controlsSent(const RequestSlot &slot)
{
	pending_.clear();
	if (slot.bracket_ < 0)
		return;

	bracketIndex_++;
	bracket_.pop_front();
	if (!isBracketing())
		pending_.merge(normal_);
}

int RequestPump::addBuffers(RequestSlot &slot)
{
	for (Stream which : kStreams) {
		StreamQueue &queue = queues_[which];
		if (!queue.hasFree())
			continue;

		RequestSlot::Part &part = slot.parts_[which];
		part = {queue.buffers(), queue.takeFree()};
		slotOf_[which].resize(part.buffers->size());
		slotOf_[which][part.buffer] = &slot;
		const int ret =
			slot.request_->addBuffer(queue.stream(), (*part.buffers)[part.buffer]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* The camera did not accept the request of @slot. */
void RequestPump::takeBack(RequestSlot &slot)
{
	for (Stream which : kStreams) {
		RequestSlot::Part &part = slot.parts_[which];
		if (!part.buffers)
			continue;
		slotOf_[which][part.buffer] = nullptr;
		queues_[which].cancel(part.buffer);
		part = {};
	}
	slot.request_->reuse();
}

void RequestPump::completed(libcamera::Request *request, PerStream<Completion> &completions)
{
	RequestSlot &slot = slots_[request->cookie()];
	const bool damaged = std::ranges::any_of(request->buffers(), [](const auto &part) {
		return part.second->metadata().status == FrameMetadata::FrameError;
	});

	slot.underWay_ = false;
	underWay_--;
	for (Stream which : kStreams)
		if (slot.parts_[which].buffers)
			completions[which] = partCompleted(slot, which, tied_ && damaged);
}

/* A buffer of @slot is back; what is not for the user is free again. */
RequestPump::Completion RequestPump::partCompleted(RequestSlot &slot, Stream which, bool spoilt)
{
	RequestSlot::Part &part = slot.parts_[which];
	StreamQueue &queue = queues_[which];

	/* The stream may have given it up meanwhile. */
	if (part.buffers != queue.buffers()) {
		part = {};
		return {};
	}

	const FrameMetadata &meta = (*part.buffers)[part.buffer]->metadata();
	if (!queue.isProven() && running_ && meta.status != FrameMetadata::FrameSuccess) {
		part = {};
		dropBuffers(which);
		return {.outcome = Outcome::Refused};
	}

	if (slot.request_->status() == libcamera::Request::RequestCancelled ||
	    meta.status == FrameMetadata::FrameCancelled || !running_) {
		queue.cancel(part.buffer);
		part = {};
		/* Nobody but stop() cancels a camera that still works. */
		return {.outcome = running_ ? Outcome::Cancelled : Outcome::Good};
	}

	CompletedFrame frame = completedFrame(*slot.request_, meta);
	frame.buffer = part.buffer;
	frame.slot = &slot;
	frame.bracket = slot.bracket_;
	const StreamQueue::Fate fate = queue.complete(frame, spoilt);
	if (fate != StreamQueue::Fate::Waits)
		part = {};
	else if (const auto old = queue.makeRoom())
		giveBack(which, old->buffer);
	if (fate == StreamQueue::Fate::Unseen)
		return {};
	return {.frame = frame, .delivered = fate == StreamQueue::Fate::Waits};
}

void RequestPump::giveBack(Stream which, size_t buffer)
{
	if (buffer >= slotOf_[which].size())
		return;
	RequestSlot *slot = slotOf_[which][buffer];
	/* What the camera has is not its user's: it comes back for a second time, or too late. */
	if (!slot || slot->underWay_)
		return;

	/* Not one of an earlier configuration. */
	RequestSlot::Part &part = slot->parts_[which];
	if (!part.buffers || part.buffers != queues_[which].buffers() || part.buffer != buffer)
		return;

	part = {};
	slotOf_[which][buffer] = nullptr;
	queues_[which].giveBack(buffer);
}

void RequestPump::giveBack(Stream which, const std::deque<CompletedFrame> &frames)
{
	for (const CompletedFrame &frame : frames)
		giveBack(which, frame.buffer);
}

void RequestPump::dropBuffers(Stream which)
{
	endBracket(which);
	for (RequestSlot &slot : slots_)
		if (!slot.underWay_)
			slot.parts_[which] = {};
	slotOf_[which].clear();
	queues_[which].close();
}

void RequestPump::clear()
{
	for (RequestSlot &slot : slots_)
		slot.request_.reset();
	slots_.clear();
	for (Stream which : kStreams) {
		slotOf_[which].clear();
		queues_[which].close();
	}
	underWay_ = 0;
}

} /* namespace cmacam */
