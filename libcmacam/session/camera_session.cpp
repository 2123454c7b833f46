/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraSession: one acquired camera, its streams and who uses them.
 */
#include "camera_session.h"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <sys/sysmacros.h>
#include <unistd.h>

#include <libcamera/controls.h>
#include <libcamera/property_ids.h>

#include "errors.h"

using namespace std::chrono_literals;

namespace cmacam {

namespace {

/*
 * Whether the kernel still has the nodes of a camera. Where udev does not run, as in
 * many containers, libcamera does not learn that a camera was unplugged.
 */
bool isPresent(const libcamera::Camera &camera)
{
	const std::string folder = "/sys/dev/char/";
	const auto devices = camera.properties().get(libcamera::properties::SystemDevices);

	if (!devices || access(folder.c_str(), F_OK) < 0)
		return true;
	return std::ranges::all_of(*devices, [&](std::int64_t number) {
		const auto device = static_cast<dev_t>(number);
		const std::string node = folder + std::to_string(major(device)) + ":" +
					 std::to_string(minor(device));
		return access(node.c_str(), F_OK) == 0;
	});
}

} /* namespace */

CameraSession::CameraSession(std::shared_ptr<libcamera::CameraManager> manager,
			     std::shared_ptr<libcamera::Camera> camera)
	: manager_(std::move(manager)),
	  camera_(std::move(camera)),
	  configurations_(camera_),
	  pump_(camera_),
	  controls_(camera_->controls())
{
	listenTo(camera_, this);
}

/*
 * A request that was queued while the camera was unplugged may still be in a
 * message to libcamera's thread, and is never completed. release() posts its
 * own message behind it and waits: after that nobody has a request of ours.
 */
CameraSession::~CameraSession()
{
	stopCamera();
	camera_->release();
	listenTo(camera_, nullptr);
	pump_.clear();
}

Result<void> CameraSession::join(Stream which)
{
	CameraOffer offer = readOffer(*camera_, which);

	std::unique_lock lock(mutex_);
	if (lost_) {
		awaitNews(lock, which);
		return lostErrorLocked();
	}
	if (members_[which].phase != Phase::Absent)
		return Error{EBUSY, "Camera '" + id() + "' is in use in this process: its stream " +
					    (which == Stream::Main ? "main" : "lores") +
					    " has a user"};
	if (camera_->streams().size() < 2 && members_[other(which)].phase != Phase::Absent)
		return Error{EBUSY,
			     "Camera '" + id() + "' has only one stream, which is already in use"};

	members_[which] = {};
	members_[which].offer = std::move(offer);
	members_[which].phase = Phase::Expected;
	/* It keeps nothing of the user before. */
	pump_.queue(which) = {};
	return {};
}

void CameraSession::leave(Stream which)
{
	release(which);
	{
		std::lock_guard lock(mutex_);
		members_[which] = {};
		pump_.queue(which).setOnDemand(false);
		tied_ = false;
		pump_.setTied(false);
	}
	changed_.notify_all();
}

Error CameraSession::lostError() const
{
	std::lock_guard lock(mutex_);
	return lostErrorLocked();
}

Error CameraSession::lostErrorLocked() const
{
	if (disconnected_ || !isPresent(*camera_))
		return goneError(id());
	return cameraError(id(), -EIO,
			   "Camera '" + id() + "' delivers no frames, although it is plugged in");
}

/*
 * When a camera is unplugged, its requests are cancelled first. Then udev reports
 * it to libcamera, and only this tells an unplug from a fault.
 */
void CameraSession::awaitNews(std::unique_lock<std::mutex> &lock, Stream which)
{
	changed_.wait_for(lock, kNewsLimit,
			  [&] { return disconnected_ || members_[which].flushing; });
}

bool CameraSession::isLost() const
{
	std::lock_guard lock(mutex_);
	return lost_;
}

CameraOffer CameraSession::offer(Stream which) const
{
	std::lock_guard lock(mutex_);
	CameraOffer offer = members_[which].offer;
	const std::chrono::microseconds main = controls_.promised(Stream::Main);

	if (which == Stream::Lores && main != 0us)
		offer.minDuration = offer.maxDuration = main;
	return offer;
}

bool CameraSession::isConfigured(Stream which) const
{
	std::lock_guard lock(mutex_);
	return members_[which].phase == Phase::Configured;
}

bool CameraSession::isExpected(Stream which) const
{
	return members_[which].phase == Phase::Expected && !lost_;
}

void CameraSession::awaitMain(Stream which)
{
	std::unique_lock lock(mutex_);

	if (which != Stream::Main)
		changed_.wait_for(lock, kSetupLimit, [&] {
			return members_[which].flushing || !isExpected(Stream::Main);
		});
}

void CameraSession::tie()
{
	std::lock_guard lock(mutex_);
	tied_ = true;
	pump_.setTied(true);
}

void CameraSession::setOnDemand(Stream which)
{
	std::lock_guard lock(mutex_);
	pump_.queue(which).setOnDemand(true);
}

void CameraSession::setDelivery(Stream which, const Delivery &delivery)
{
	std::lock_guard lock(mutex_);
	pump_.queue(which).setDelivery(delivery);
}

void CameraSession::setListener(Stream which, std::weak_ptr<StreamListener> listener)
{
	std::lock_guard lock(mutex_);
	members_[which].listener = std::move(listener);
}

void CameraSession::setReadyEvent(Stream which, std::shared_ptr<ReadyEvent> event)
{
	std::lock_guard lock(mutex_);
	members_[which].event = std::move(event);
	updateReadyEvents();
}

/* Whether the user of the stream has something to take or to learn. */
bool CameraSession::endsTimedWait(Stream which) const
{
	const Member &member = members_[which];

	return member.flushing || !member.started || lost_ || pump_.queue(which).hasFrame();
}

void CameraSession::updateReadyEvents()
{
	for (Stream which : kStreams)
		if (members_[which].event)
			members_[which].event->set(endsTimedWait(which));
}

/* Whether what is done to stream @which is done to @stream. */
bool CameraSession::isConcerned(Stream stream, Stream which) const
{
	return stream == which || tied_ || pump_.queue(stream).isOnDemand();
}

Result<void> CameraSession::configure(Stream which, const StreamSettings &settings)
{
	PerStream<std::optional<StreamSettings>> wishes;
	wishes[which] = settings;
	return configure(wishes);
}

Result<void> CameraSession::configure(const PerStream<std::optional<StreamSettings>> &wishes)
{
	std::lock_guard setup(setup_);

	stopCamera();
	for (Stream which : kStreams)
		if (wishes[which])
			close(which);
	{
		std::unique_lock lock(mutex_);
		if (lost_) {
			awaitNews(lock, wishes[Stream::Main] ? Stream::Main : Stream::Lores);
			return lostErrorLocked();
		}
		for (Stream which : kStreams) {
			if (!wishes[which])
				continue;
			configurations_.want(which, *wishes[which]);
			controls_.promise(which, wishes[which]->frameDuration);
			members_[which].phase = Phase::Configured;
		}
	}
	changed_.notify_all();

	Result<void> result = configureMembers(wishes);
	if (!result) {
		/* The other one shall not suffer for it. */
		for (Stream which : kStreams) {
			if (!wishes[which])
				continue;
			/* The first of two may have its buffers already. */
			close(which);
			giveUp(which);
		}
		if (auto worse = applyConfigurations(); !worse)
			result = worse.error();
	}

	/* What flowed before flows on. */
	const bool flowed = std::ranges::any_of(
		kStreams, [&](Stream which) { return !wishes[which] && started(which); });
	if (flowed)
		if (Result<void> worse = startCamera(); !worse && result)
			result = worse;
	return result;
}

/* With the buffers of their own that they have now. */
Result<void> CameraSession::configureMembers(const PerStream<std::optional<StreamSettings>> &wishes)
{
	const auto applied = applyConfigurations();
	if (!applied)
		return applied.error();

	for (Stream which : kStreams) {
		if (!wishes[which])
			continue;
		auto buffers = StreamBuffers::allocate(camera_, (*applied)[which]);
		/* Of a camera that is gone the reason is not memory. */
		if (!buffers)
			return buffers.error().code == ENODEV ? goneError(id()) : buffers.error();

		std::lock_guard lock(mutex_);
		pump_.queue(which).open(*std::move(buffers));
	}
	return {};
}

/* Those of all streams that are configured. */
Result<PerStream<libcamera::StreamConfiguration>> CameraSession::applyConfigurations()
{
	std::vector<Stream> streams;
	for (Stream which : kStreams)
		if (isConfigured(which))
			streams.push_back(which);

	auto applied = configurations_.apply(streams);
	if (!applied)
		return applied;

	std::lock_guard lock(mutex_);
	for (Stream which : streams) {
		const libcamera::StreamConfiguration &stream = (*applied)[which];
		StreamQueue &queue = pump_.queue(which);
		/* It may be another of the camera's streams now, but one of the same kind. */
		if (queue.isOpen() && queue.buffers()->stride() != stream.stride)
			return Error{EINVAL, "Camera '" + id() + "' cannot keep the buffers of " +
						     stream.toString() +
						     ": the stride has changed"};
		queue.setStream(stream.stream());
	}
	return applied;
}

std::shared_ptr<const StreamBuffers> CameraSession::buffers(Stream which) const
{
	std::lock_guard lock(mutex_);
	return pump_.queue(which).buffers();
}

void CameraSession::adopt(Stream which, std::span<const int> fds)
{
	std::lock_guard setup(setup_);
	std::lock_guard lock(mutex_);
	StreamQueue &queue = pump_.queue(which);
	std::shared_ptr<StreamBuffers> foreign = StreamBuffers::import(fds, *queue.buffers());

	pump_.dropBuffers(which);
	queue.open(std::move(foreign));
}

void CameraSession::release(Stream which)
{
	std::lock_guard setup(setup_);
	const std::shared_ptr<const StreamBuffers> old = buffers(which);
	bool alone;
	{
		std::lock_guard lock(mutex_);
		alone = pump_.queue(other(which)).isOnDemand();
	}

	/* What is somebody else's must not be written to any more. */
	const bool stop = alone || !isConfigured(other(which)) || (old && old->areForeign());
	if (stop)
		stopCamera();
	close(which);
	/* Should it fail, the other user learns of it. */
	if (stop && started(other(which)))
		static_cast<void>(startCamera());
}

void CameraSession::close(Stream which)
{
	{
		std::lock_guard lock(mutex_);
		Member &member = members_[which];

		pump_.dropBuffers(which);
		endCaptures();
		member.started = false;
		/* Single pictures are taken beside the frames of this stream only. */
		if (pump_.queue(other(which)).isOnDemand())
			members_[other(which)].started = false;
		member.refused = false;
		member.phase = Phase::Expected;
		controls_.promise(which, 0us);
		updateReadyEvents();
	}
	changed_.notify_all();
}

void CameraSession::giveUp(Stream which)
{
	{
		std::lock_guard lock(mutex_);
		if (!pump_.queue(which).isOpen()) {
			members_[which].phase = Phase::GivenUp;
			controls_.promise(which, 0us);
		}
	}
	changed_.notify_all();
}

std::chrono::microseconds CameraSession::frameDuration() const
{
	std::lock_guard lock(mutex_);
	return controls_.frameDuration();
}

void CameraSession::setFrameDuration(Stream which, std::chrono::microseconds duration)
{
	std::lock_guard lock(mutex_);

	if (members_[which].phase == Phase::Configured)
		controls_.promise(which, duration);
	pump_.setControls(controls_.frameDurationLimits());
}

void CameraSession::setControls(const libcamera::ControlList &controls)
{
	std::lock_guard lock(mutex_);
	pump_.setControls(controls_.set(controls));
}

Result<void> CameraSession::bracket(Stream which, std::span<const libcamera::ControlList> sets)
{
	std::lock_guard lock(mutex_);

	if (!members_[which].started || !pump_.isRunning())
		return Error{EPERM, "the camera was not started"};
	if (pump_.isBracketing())
		return Error{EBUSY, "the camera still takes the frames of another bracket"};
	pump_.bracket(which, {sets.begin(), sets.end()}, controls_.normal(sets));
	return {};
}

Result<void> CameraSession::start(Stream which, const libcamera::ControlList &controls)
{
	{
		std::unique_lock lock(mutex_);
		changed_.wait_for(lock, kSetupLimit, [&] {
			return pump_.isRunning() || members_[which].flushing ||
			       !isExpected(other(which));
		});
		if (members_[which].flushing)
			return {};
	}

	std::lock_guard setup(setup_);
	setControls(controls);

	std::unique_lock lock(mutex_);
	/* A camera that cancelled a request and has none left may be tried again. */
	if (lost_ && !disconnected_ && !pump_.isRunning() && pump_.underWay() == 0)
		lost_ = false;
	if (lost_) {
		awaitNews(lock, which);
		return lostErrorLocked();
	}
	for (Stream stream : kStreams) {
		if (!isConcerned(stream, which))
			continue;
		pump_.queue(stream).setIdle(false);
		pump_.queue(stream).resetCounts();
	}
	if (!pump_.isRunning()) {
		lock.unlock();
		if (Result<void> result = startCamera(); !result)
			return result;
		lock.lock();
	}
	for (Stream stream : kStreams)
		if (isConcerned(stream, which))
			members_[stream].started = true;
	queueRequests();
	updateReadyEvents();
	return {};
}

Result<void> CameraSession::startCamera()
{
	libcamera::ControlList controls;

	{
		std::lock_guard lock(mutex_);
		controls = controls_.all();
		cancelled_ = 0;
		pump_.clearControls();
		for (Stream which : kStreams)
			pump_.queue(which).renumber(members_[which].started);
	}

	if (const int ret = camera_->start(&controls); ret < 0) {
		{
			/* A user that had its frames is to learn of it, too. */
			std::lock_guard lock(mutex_);
			lost_ = lost_ || std::ranges::any_of(members_, [](const Member &member) {
					return member.started;
				});
			updateReadyEvents();
		}
		changed_.notify_all();
		return cameraError(id(), ret, "Camera '" + id() + "' did not start");
	}

	std::lock_guard lock(mutex_);
	pump_.start();
	queueRequests();
	return {};
}

void CameraSession::stopCamera()
{
	{
		std::lock_guard lock(mutex_);
		if (!pump_.isRunning())
			return;
		pump_.stop();
	}

	camera_->stop();

	/*
	 * stop() has completed all requests, except where the camera is gone: then
	 * it does nothing, and the handler cancels on libcamera's thread those that
	 * it has; one that was on its way there is never completed. The limit is
	 * for a handler that forgets one: it must not be queued again.
	 */
	std::unique_lock lock(mutex_);
	if (!changed_.wait_for(lock, 1s, [this] { return pump_.underWay() == 0 || disconnected_; }))
		lost_ = true;
	updateReadyEvents();
}

bool CameraSession::started(Stream which) const
{
	std::lock_guard lock(mutex_);
	return members_[which].started;
}

void CameraSession::stop(Stream which)
{
	std::lock_guard setup(setup_);
	bool last;

	{
		std::lock_guard lock(mutex_);
		last = true;
		for (Stream stream : kStreams) {
			if (isConcerned(stream, which)) {
				members_[stream].started = false;
				pump_.queue(stream).setIdle(true);
				pump_.endBracket(stream);
			} else if (members_[stream].started) {
				last = false;
			}
		}
		endCaptures();
		updateReadyEvents();
	}
	changed_.notify_all();
	if (last)
		stopCamera();

	std::lock_guard lock(mutex_);
	for (Stream stream : kStreams)
		if (isConcerned(stream, which))
			pump_.giveBack(stream, pump_.queue(stream).takeAll());
	updateReadyEvents();
}

CameraSession::Wait CameraSession::waitFrame(Stream which, CompletedFrame &frame)
{
	std::unique_lock lock(mutex_);
	Member &member = members_[which];
	StreamQueue &queue = pump_.queue(which);

	changed_.wait(lock, [&] {
		return member.flushing || lost_ || member.refused || queue.hasFrame();
	});
	if (member.flushing)
		return Wait::Flushing;
	if (member.refused)
		return Wait::Refused;
	if (!queue.hasFrame()) {
		awaitNews(lock, which);
		return member.flushing ? Wait::Flushing : Wait::Lost;
	}

	frame = queue.takeFrame();
	return Wait::Frame;
}

CameraSession::Wait CameraSession::waitFrame(Stream which, std::chrono::milliseconds limit,
					     const TakeFunction &take)
{
	std::unique_lock lock(mutex_);
	Member &member = members_[which];
	StreamQueue &queue = pump_.queue(which);

	if (!changed_.wait_for(lock, limit, [&] { return endsTimedWait(which); }))
		return Wait::TimedOut;
	if (member.flushing || !member.started)
		return Wait::Flushing;
	if (!queue.hasFrame()) {
		awaitNews(lock, which);
		return member.flushing ? Wait::Flushing : Wait::Lost;
	}

	const CompletedFrame frame = queue.takeFrame();
	std::optional<CompletedFrame> tied;
	if (tied_)
		tied = pump_.queue(other(which)).takeFrame();
	take({frame, tied ? &*tied : nullptr, loadLocked(which)});
	updateReadyEvents();
	return Wait::Frame;
}

CameraSession::Wait CameraSession::capture(Stream which, std::chrono::milliseconds limit,
					   CompletedFrame &frame)
{
	std::unique_lock lock(mutex_);
	const Member &flow = members_[other(which)];
	StreamQueue &queue = pump_.queue(which);
	const unsigned int ends = captureEnds_;

	if (!flow.started || flow.flushing || pump_.queue(other(which)).isPaused())
		return Wait::Flushing;

	queue.want();
	queueRequests();
	changed_.wait_for(lock, limit,
			  [&] { return captureEnds_ != ends || lost_ || queue.hasFrame(); });
	if (captureEnds_ == ends && queue.hasFrame()) {
		frame = queue.takeFrame();
		return Wait::Frame;
	}

	queue.unwant();
	if (captureEnds_ != ends)
		return Wait::Flushing;
	if (!lost_)
		return Wait::TimedOut;
	awaitNews(lock, other(which));
	return flow.flushing ? Wait::Flushing : Wait::Lost;
}

/* A picture that waits is not for whoever asks next. */
void CameraSession::endCaptures()
{
	captureEnds_++;
	for (Stream which : kStreams)
		if (pump_.queue(which).isOnDemand())
			pump_.giveBack(which, pump_.queue(which).takeAll());
}

uint64_t CameraSession::agreedTime(const CompletedFrame &frame, const void *clock, uint64_t time)
{
	std::lock_guard lock(mutex_);
	return frame.slot->agreedTime(clock, time);
}

bool CameraSession::isDry(Stream which) const
{
	std::lock_guard lock(mutex_);
	const StreamQueue &queue = pump_.queue(which);

	return !members_[which].refused && !lost_ && !queue.hasFree() && !queue.hasFrame() &&
	       queue.underWay() == 0;
}

CameraSession::Load CameraSession::load(Stream which) const
{
	std::lock_guard lock(mutex_);
	return loadLocked(which);
}

CameraSession::Load CameraSession::loadLocked(Stream which) const
{
	return {pump_.queue(which).underWay(), pump_.queue(which).waiting()};
}

StreamCounts CameraSession::counts(Stream which) const
{
	std::lock_guard lock(mutex_);
	return pump_.queue(which).counts();
}

void CameraSession::queue(Stream which, size_t buffer)
{
	std::lock_guard lock(mutex_);
	pump_.giveBack(which, buffer);
	queueRequests();
}

void CameraSession::queue(Stream which, size_t buffer, size_t tied)
{
	std::lock_guard lock(mutex_);
	pump_.giveBack(which, buffer);
	if (tied_)
		pump_.giveBack(other(which), tied);
	queueRequests();
}

void CameraSession::setFlushing(Stream which, bool flushing)
{
	{
		std::lock_guard lock(mutex_);
		members_[which].flushing = flushing;
		if (flushing)
			endCaptures();
		updateReadyEvents();
	}
	changed_.notify_all();
}

void CameraSession::setPaused(Stream which, bool paused)
{
	{
		std::lock_guard lock(mutex_);
		pump_.giveBack(which, pump_.queue(which).setPaused(paused));
		if (paused)
			endCaptures();
		queueRequests();
	}
	changed_.notify_all();
}

void CameraSession::queueRequests()
{
	if (!lost_ && pump_.queueRequests() < 0) {
		lost_ = true;
		updateReadyEvents();
		changed_.notify_all();
	}
}

/* Runs on libcamera's thread. */
void CameraSession::requestCompleted(libcamera::Request *request)
{
	PerStream<RequestPump::Completion> completions;
	/* Kept until the lock is released: the last reference may be here. */
	PerStream<std::shared_ptr<StreamListener>> finished;
	PerStream<std::shared_ptr<StreamListener>> reporting;
	{
		std::lock_guard lock(mutex_);
		pump_.completed(request, completions);
		bool cancelled = false;
		for (Stream which : kStreams) {
			const RequestPump::Outcome outcome = completions[which].outcome;
			cancelled = cancelled || outcome == RequestPump::Outcome::Cancelled;
			if (outcome == RequestPump::Outcome::Refused)
				members_[which].refused = true;
		}
		/* One that the camera did not take is a frame less, and not the end. */
		cancelled_ = cancelled ? cancelled_ + 1 : 0;
		lost_ = lost_ || cancelled_ >= kMostCancelled;
		queueRequests();

		for (Stream which : kStreams) {
			const std::optional<CompletedFrame> &frame = completions[which].frame;
			if (!frame)
				continue;
			StreamQueue &queue = pump_.queue(which);
			if (completions[which].delivered)
				queue.countStarved();
			auto listener = members_[which].listener.lock();
			if (listener && listener->frameArrived({frame->sequence, frame->lost,
								completions[which].delivered,
								loadLocked(which)}))
				reporting[which] = listener;
			finished[which] = std::move(listener);
		}
		updateReadyEvents();
	}
	/*
	 * Without the lock: whoever this wakes need not wait for it again. The
	 * session is still there, for its destructor waits for this call.
	 */
	changed_.notify_all();
	for (const std::shared_ptr<StreamListener> &listener : reporting)
		if (listener)
			listener->report();
}

/* Runs on libcamera's thread. */
void CameraSession::cameraDisconnected()
{
	{
		std::lock_guard lock(mutex_);
		lost_ = true;
		disconnected_ = true;
		updateReadyEvents();
	}
	changed_.notify_all();
}

} /* namespace cmacam */
