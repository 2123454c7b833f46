/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraSession: controls, and the frame rate, which is one of them.
 */
#include <algorithm>
#include <array>

#include <libcamera/control_ids.h>

#include "session.h"

using namespace std::chrono_literals;

namespace cmacam::gst {

std::chrono::microseconds CameraSession::frameDurationLocked() const
{
	for (const Member &member : members_)
		if (member.phase == Phase::Configured && member.settings.frameDuration != 0us)
			return member.settings.frameDuration;
	return 0us;
}

std::chrono::microseconds CameraSession::frameDuration() const
{
	std::lock_guard lock(mutex_);
	return frameDurationLocked();
}

/* Of the caps, which have promised a frame rate, if they have. */
void CameraSession::setFrameDurationLimits(libcamera::ControlList &controls) const
{
	const std::chrono::microseconds wanted = frameDurationLocked();
	const auto limits = camera_->controls().find(&libcamera::controls::FrameDurationLimits);

	if (wanted == 0us || limits == camera_->controls().end())
		return;

	const int64_t duration =
		std::clamp<int64_t>(wanted.count(), limits->second.min().get<int64_t>(),
				    limits->second.max().get<int64_t>());
	const std::array both = {duration, duration};
	controls.set(libcamera::controls::FrameDurationLimits,
		     libcamera::Span<const int64_t, 2>(both));
}

void CameraSession::setFrameDuration(StreamName which, std::chrono::microseconds duration)
{
	std::lock_guard lock(mutex_);

	members_[which].settings.frameDuration = duration;
	if (controls_.contains(libcamera::controls::FRAME_DURATION_LIMITS))
		pending_.set(libcamera::controls::FRAME_DURATION_LIMITS,
			     controls_.get(libcamera::controls::FRAME_DURATION_LIMITS));
	setFrameDurationLimits(pending_);
}

void CameraSession::setControls(const libcamera::ControlList &controls)
{
	std::lock_guard lock(mutex_);

	for (const auto &[id, value] : controls) {
		controls_.set(id, value);
		pending_.set(id, value);
	}
	if (controls.contains(libcamera::controls::FRAME_DURATION_LIMITS))
		setFrameDurationLimits(pending_);
}

} /* namespace cmacam::gst */
