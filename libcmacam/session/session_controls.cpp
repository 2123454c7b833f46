/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SessionControls: the controls that are in force, and the frame rate that the
 * streams have promised.
 */
#include "session_controls.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <libcamera/control_ids.h>

using namespace std::chrono_literals;

namespace cmacam {

using libcamera::controls::FRAME_DURATION_LIMITS;
using libcamera::controls::FrameDurationLimits;

SessionControls::SessionControls(const libcamera::ControlInfoMap &known)
	: known_(known), kept_(libcamera::controls::controls)
{
}

void SessionControls::promise(Stream which, std::chrono::microseconds duration)
{
	promised_[which] = duration;
}

std::chrono::microseconds SessionControls::frameDuration() const
{
	for (const std::chrono::microseconds &duration : promised_)
		if (duration != 0us)
			return duration;
	return 0us;
}

void SessionControls::overrideLimits(libcamera::ControlList &controls) const
{
	const std::chrono::microseconds wanted = frameDuration();
	const auto limits = known_.find(&FrameDurationLimits);

	if (wanted == 0us || limits == known_.end())
		return;

	const int64_t duration =
		std::clamp<int64_t>(wanted.count(), limits->second.min().get<int64_t>(),
				    limits->second.max().get<int64_t>());
	const std::array both = {duration, duration};
	controls.set(FrameDurationLimits, libcamera::Span<const int64_t, 2>(both));
}

libcamera::ControlList SessionControls::set(const libcamera::ControlList &controls)
{
	libcamera::ControlList fresh(libcamera::controls::controls);

	for (const auto &[id, value] : controls) {
		kept_.set(id, value);
		fresh.set(id, value);
	}
	if (controls.contains(FRAME_DURATION_LIMITS))
		overrideLimits(fresh);
	return fresh;
}

libcamera::ControlList SessionControls::frameDurationLimits() const
{
	libcamera::ControlList controls(libcamera::controls::controls);

	if (kept_.contains(FRAME_DURATION_LIMITS))
		controls.set(FRAME_DURATION_LIMITS, kept_.get(FRAME_DURATION_LIMITS));
	overrideLimits(controls);
	return controls;
}

libcamera::ControlList SessionControls::normal(std::span<const libcamera::ControlList> sets) const
{
	libcamera::ControlList controls = all();

	/* AeEnable stands for these two, which would override it. */
	const auto isPartOfAe = [](unsigned int id) {
		return id == libcamera::controls::EXPOSURE_TIME_MODE ||
		       id == libcamera::controls::ANALOGUE_GAIN_MODE;
	};
	const bool hasAe = kept_.contains(libcamera::controls::AE_ENABLE);

	for (const libcamera::ControlList &set : sets) {
		for (const auto &[id, value] : set) {
			const auto info = known_.find(id);
			if (controls.contains(id) || (hasAe && isPartOfAe(id)) ||
			    info == known_.end() || info->second.def().isNone())
				continue;
			controls.set(id, info->second.def());
		}
	}
	return controls;
}

libcamera::ControlList SessionControls::all() const
{
	libcamera::ControlList controls(known_);

	controls.merge(kept_);
	overrideLimits(controls);
	return controls;
}

} /* namespace cmacam */
