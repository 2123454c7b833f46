/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stills of a Camera: leases on single pictures of its session.
 */

#include "still_source.h"

#include <cerrno>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "camera_errors.h"
#include "controls.h"
#include "device_access.h"

namespace cmacam {

StillSource::StillSource(std::shared_ptr<CameraSession> session) : session_(std::move(session))
{
}

Result<void> StillSource::map()
{
	const auto buffers = session_->buffers(Stream::Main);

	for (std::size_t i = 0; i < buffers->size(); i++) {
		Result<MappingPair> pixels = MappingPair::map(buffers->layout(i));
		if (!pixels && pixels.error().code == EMFILE)
			return tooManyFiles("Camera '" + session_->id() + "'", buffers->size());
		if (!pixels)
			return pixels.error();
		pixels_.push_back(*std::move(pixels));
	}
	slots_.resize(pixels_.size());
	return {};
}

void StillSource::close()
{
	std::shared_ptr<CameraSession> ending;
	std::unique_lock lock(open_);

	/* The share ends without the lock, as those of Camera::Source. */
	ending.swap(session_);
	lock.unlock();
}

Result<Frame> StillSource::capture(std::chrono::milliseconds timeout)
{
	std::shared_lock open(open_);
	if (!session_)
		return kClosed;
	if (!session_->started(Stream::Lores))
		return kNotStarted;

	CompletedFrame still;
	switch (session_->capture(Stream::Main, timeout, still)) {
	case CameraSession::Wait::Frame:
		break;
	case CameraSession::Wait::Lost:
		return lostCamera(*session_);
	case CameraSession::Wait::TimedOut:
		return noStill(*session_, timeout);
	default:
		return kStopped;
	}

	slots_[still.buffer] = still.slot;
	return Frame(shared_from_this(), static_cast<unsigned int>(still.buffer),
		     static_cast<const FrameInfo &>(still));
}

/* Why there is none. */
Error StillSource::noStill(const CameraSession &session, std::chrono::milliseconds timeout) const
{
	const std::string within = "no still within " + std::to_string(timeout.count()) + " ms";
	std::set<unsigned int> held;

	for (const Holder &holder : leases.holders())
		held.insert(holder.buffer);
	if (held.size() == pixels_.size())
		return {EBUSY, within + ", the camera has none of its " +
				       std::to_string(pixels_.size()) +
				       " buffers for stills: " + leases.describe()};
	if (session.isDry(Stream::Lores))
		return {ETIMEDOUT, within + ", and no other frame: their buffers are all in use"};
	return {ETIMEDOUT, within};
}

Result<const FrameMapping *> StillSource::mapping(unsigned int buffer, Stream stream, Access access)
{
	if (stream != Stream::Main)
		return Error{ENOENT, "a still has only the main stream"};

	return pixels_[buffer].get(access);
}

void StillSource::giveBack(unsigned int buffer) noexcept
{
	std::shared_lock open(open_);
	if (!session_)
		return;

	slots_[buffer] = nullptr;
	session_->queue(Stream::Main, buffer);
}

/* The request is the program's as long as the still is leased. */
const RequestSlot *StillSource::slotOf(unsigned int buffer) const
{
	return session_ ? slots_[buffer] : nullptr;
}

std::vector<NamedValue> StillSource::metadata(unsigned int buffer) const
{
	std::shared_lock open(open_);
	const RequestSlot *slot = slotOf(buffer);

	return slot ? fromLibcamera(slot->metadata()) : std::vector<NamedValue>();
}

std::optional<ControlValue> StillSource::metadatum(unsigned int buffer, std::string_view name) const
{
	std::shared_lock open(open_);
	const RequestSlot *slot = slotOf(buffer);

	return slot ? findControl(slot->metadata(), name) : std::nullopt;
}

} /* namespace cmacam */
