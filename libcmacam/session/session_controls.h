/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SessionControls: the controls of a session, and the fixed frame durations of its
 * streams.
 */
#pragma once

#include <chrono>

#include <libcamera/controls.h>

#include "streams.h"

namespace cmacam {

/*
 * A camera forgets its controls when it stops. This object keeps the controls for
 * the next start. A stream with a fixed frame rate promises a frame duration.
 * The promised duration overrides the control FrameDurationLimits, within the
 * limits of the camera. If both streams promise a duration, that of main is used.
 *
 * Not thread-safe: the session's mutex guards it. Its functions cannot fail.
 */
class SessionControls
{
public:
	/** @known: the controls of the camera with their limits; must outlive this object. */
	explicit SessionControls(const libcamera::ControlInfoMap &known);

	/** Set the frame duration that stream @which promises; zero: none. */
	void promise(Stream which, std::chrono::microseconds duration);
	/** Get the frame duration that stream @which promises; zero: none. */
	std::chrono::microseconds promised(Stream which) const { return promised_[which]; }
	/** Get the promised frame duration of main, else that of lores, else zero. */
	std::chrono::microseconds frameDuration() const;

	/**
	 * Keep @controls. Returns the controls to send to the camera. If @controls have
	 * FrameDurationLimits, a promised frame duration replaces these limits.
	 */
	libcamera::ControlList set(const libcamera::ControlList &controls);
	/**
	 * Get FrameDurationLimits for the camera. The list is empty if no stream promises
	 * a duration and the control was never set.
	 */
	libcamera::ControlList frameDurationLimits() const;
	/** Get all controls for the start of the camera. */
	libcamera::ControlList all() const;

private:
	void overrideLimits(libcamera::ControlList &controls) const;

	const libcamera::ControlInfoMap &known_;
	libcamera::ControlList kept_;
	PerStream<std::chrono::microseconds> promised_{};
};

} /* namespace cmacam */
