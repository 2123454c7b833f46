/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SessionControls: the controls that are in force, and the frame rate that the
 * streams have promised.
 */
#pragma once

#include <chrono>

#include <libcamera/controls.h>

#include "streams.h"

namespace cmacam {

/*
 * A camera forgets its controls when it stops; this object keeps them. A stream
 * that has promised a frame duration, main before lores, overrides the control
 * FrameDurationLimits, within the limits of the camera.
 *
 * Not thread-safe: the session's mutex guards it. Nothing here fails.
 */
class SessionControls
{
public:
	/** @known: the controls of the camera with their limits; outlives this object. */
	explicit SessionControls(const libcamera::ControlInfoMap &known);

	/** Stream @which promises frames of @duration; with zero it promises nothing. */
	void promise(Stream which, std::chrono::microseconds duration);
	/** What stream @which promises, or zero. */
	std::chrono::microseconds promised(Stream which) const { return promised_[which]; }
	/** What main promises, or else lores; zero where neither does. */
	std::chrono::microseconds frameDuration() const;

	/** Keeps @controls. Returns them as the camera has to receive them. */
	libcamera::ControlList set(const libcamera::ControlList &controls);
	/** FrameDurationLimits as they have to be now; empty where nobody asks for any. */
	libcamera::ControlList frameDurationLimits() const;
	/** All controls for a camera that starts. */
	libcamera::ControlList all() const;

private:
	void overrideLimits(libcamera::ControlList &controls) const;

	const libcamera::ControlInfoMap &known_;
	libcamera::ControlList kept_;
	PerStream<std::chrono::microseconds> promised_{};
};

} /* namespace cmacam */
