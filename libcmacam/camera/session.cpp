/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One use of a libcamera camera: frames on their way between it and the program.
 */

#include "session.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "controls.h"

namespace cmacam {

namespace {

/* From the first cancelled request to the news that the camera was unplugged. */
constexpr std::chrono::seconds kNewsLimit{2};

/*
 * What a lease has to leave under Policy::Copy: a buffer to write, one for the
 * newest frame that waits, and one to copy from.
 */
constexpr std::size_t kCameraShare = 3;

} /* namespace */

Result<void> Camera::Session::start()
{
	std::unique_lock lock(mutex_);
	if (disconnected_)
		return Error{ENODEV, "the camera was unplugged"};
	if (running_)
		return {};

	cancelled_ = false;
	failure_.reset();
	last_.reset();
	starved_.reset();
	told_ = false;
	statistics_ = {};
	const libcamera::ControlList controls = std::exchange(pending_, {});

	/* libcamera calls back, in a thread that may want the lock. */
	lock.unlock();
	const int ret = camera_->start(&controls);
	lock.lock();
	if (ret < 0)
		return failed("cannot start the camera", ret);

	running_ = true;
	for (unsigned int i = 0; i < slots_.size(); i++) {
		if (!slots_[i].leased)
			queue(i);
	}

	return {};
}

Result<void> Camera::Session::stop()
{
	{
		std::lock_guard lock(mutex_);
		if (!std::exchange(running_, false))
			return {};
		wake_.notify_all();
	}

	/* Completes every request, in a thread that wants the lock. */
	const int ret = camera_->stop();

	std::lock_guard lock(mutex_);
	waiting_.clear();
	if (ret < 0)
		return failed("cannot stop the camera", ret);

	return {};
}

void Camera::Session::queue(unsigned int buffer)
{
	libcamera::Request *request = slots_[buffer].request.get();

	request->reuse(libcamera::Request::ReuseBuffers);
	if (!pending_.empty()) {
		request->controls().merge(pending_);
		pending_.clear();
	}

	if (const int ret = camera_->queueRequest(request); ret < 0) {
		failure_ = failed("cannot queue a request", ret);
		wake_.notify_all();
		return;
	}
	queued_++;
}

void Camera::Session::completed(libcamera::Request *request)
{
	std::string report;
	{
		std::lock_guard lock(mutex_);
		report = arrived(request);
	}
	if (!report.empty() && log_)
		log_(report);
}

/* What there is to tell of it, or nothing. */
std::string Camera::Session::arrived(libcamera::Request *request)
{
	const auto buffer = static_cast<unsigned int>(request->cookie());

	queued_--;
	if (request->status() == libcamera::Request::RequestCancelled) {
		cancelled_ = true;
		wake_.notify_all();
		return {};
	}
	if (!running_)
		return {};

	std::string report =
		countLost(request->findBuffer(config_->at(0).stream())->metadata().sequence);

	const bool intact = std::ranges::all_of(request->buffers(), [](const auto &part) {
		return part.second->metadata().status == libcamera::FrameMetadata::FrameSuccess;
	});
	if (!intact) {
		statistics_.damaged++;
		queue(buffer);
		return report;
	}

	if (policy_ != Policy::Block && !waiting_.empty()) {
		statistics_.dropped++;
		queue(waiting_.front());
		waiting_.erase(waiting_.begin());
	}
	waiting_.push_back(buffer);
	if (!queued_) {
		statistics_.starved++;
		starved_ = whoHasThem();
	} else {
		starved_.reset();
		told_ = false;
	}
	wake_.notify_all();

	return report;
}

/* The frames between the last one and this; what to tell if want of buffers cost them. */
std::string Camera::Session::countLost(std::uint32_t sequence)
{
	/* The count begins with 0. */
	const std::uint32_t lost = last_ ? sequence - *last_ - 1 : sequence;
	statistics_.lost += lost;
	last_ = sequence;
	if (!lost || !starved_ || std::exchange(told_, true))
		return {};

	return std::to_string(lost) + (lost == 1 ? " frame was" : " frames were") +
	       " lost before frame " + std::to_string(sequence) + ", the camera had " + *starved_;
}

/* For the time in which the camera has no buffer. */
std::string Camera::Session::whoHasThem() const
{
	std::string text = "none of its " + std::to_string(slots_.size()) + " buffers: ";
	if (waiting_.empty())
		return text + leases.describe();

	return text + std::to_string(waiting_.size()) +
	       (waiting_.size() == 1 ? " waits" : " wait") + " to be taken; " + leases.describe();
}

void Camera::Session::disconnected()
{
	std::lock_guard lock(mutex_);
	disconnected_ = true;
	wake_.notify_all();
}

Result<Frame> Camera::Session::next(std::chrono::milliseconds timeout)
{
	std::unique_lock lock(mutex_);
	if (!running_)
		return Error{EPERM, "the camera was not started"};

	wake_.wait_for(lock, timeout, [this] {
		return !waiting_.empty() || !running_ || cancelled_ || disconnected_ || failure_;
	});
	if (waiting_.empty() || !running_)
		return noFrame(lock, timeout);

	const bool scarce = queued_ + waiting_.size() - 1 < kCameraShare;
	Frame frame = take();
	lock.unlock();
	if (policy_ != Policy::Copy || !scarce)
		return frame;

	Result<Frame> copy = frame.copy();
	if (copy) {
		std::lock_guard counting(mutex_);
		statistics_.copied++;
	}

	return copy;
}

Frame Camera::Session::take()
{
	const unsigned int buffer = waiting_.front();
	waiting_.erase(waiting_.begin());
	statistics_.delivered++;

	Slot &slot = slots_[buffer];
	slot.leased = true;
	const libcamera::FrameMetadata &metadata =
		slot.request->findBuffer(config_->at(0).stream())->metadata();
	const auto timestamp = slot.request->metadata().get(libcamera::controls::SensorTimestamp);

	return {shared_from_this(), buffer,
		FrameInfo{metadata.sequence,
			  timestamp.value_or(static_cast<std::int64_t>(metadata.timestamp))}};
}

/* Why there is none. Requests are cancelled first, then the camera is reported gone. */
Error Camera::Session::noFrame(std::unique_lock<std::mutex> &lock,
			       std::chrono::milliseconds timeout)
{
	if (!running_)
		return {EPERM, "the camera was stopped"};
	if (cancelled_)
		wake_.wait_for(lock, kNewsLimit, [this] { return disconnected_; });
	if (disconnected_)
		return {ENODEV, "the camera was unplugged"};
	if (cancelled_)
		return failed("the camera cancelled a request", -EIO);
	if (failure_)
		return *failure_;

	const std::string within = "no frame within " + std::to_string(timeout.count()) + " ms";
	if (!queued_)
		return {EBUSY, within + ", the camera has " + whoHasThem()};

	return {ETIMEDOUT, within};
}

void Camera::Session::leaseEnds() noexcept
{
	std::lock_guard lock(mutex_);
	if (running_ && !queued_ && starved_ && !told_)
		starved_ = whoHasThem();
}

void Camera::Session::giveBack(unsigned int buffer) noexcept
{
	std::lock_guard lock(mutex_);
	slots_[buffer].leased = false;
	if (running_ && !cancelled_)
		queue(buffer);
}

Result<const FrameMapping *> Camera::Session::mapping(unsigned int buffer, Stream stream,
						      Access access)
{
	auto &pixels = slots_[buffer].pixels[static_cast<std::size_t>(stream)];
	if (!pixels)
		return Error{ENOENT, "the camera was opened without this stream"};

	return pixels->get(access);
}

std::vector<NamedValue> Camera::Session::metadata(unsigned int buffer) const
{
	/* The request is the program's as long as the frame is leased. */
	std::lock_guard lock(mutex_);
	const auto &request = slots_[buffer].request;

	return request ? fromLibcamera(request->metadata()) : std::vector<NamedValue>();
}

Result<void> Camera::Session::set(std::string_view name, const ControlValue &value)
{
	std::lock_guard lock(mutex_);
	return setControl(&pending_, camera_->controls(), name, value);
}

CameraStatistics Camera::Session::statistics() const
{
	std::lock_guard lock(mutex_);
	return statistics_;
}

} /* namespace cmacam */
