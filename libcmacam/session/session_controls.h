/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * SessionControls: the controls of a session, and the fixed frame durations of its
 * streams.
 */
#pragma once

#include <chrono>
#include <span>

#include <libcamera/controls.h>

#include "streams.h"

namespace cmacam {

/*
 * A camera loses the values of its controls when it stops. This object keeps the
 * values for the next start. A stream with a fixed frame rate promises a frame
 * duration. The promised duration overrides the control FrameDurationLimits, within
 * the limits of the camera. If both streams promise a duration, the duration of the
 * main stream is used.
 *
 * The class is not thread-safe. The session's mutex guards the object. The
 * functions of this class cannot fail.
 */
class SessionControls
{
public:
	/**
	 * @known: the controls of the camera with their limits. @known must outlive this
	 * object.
	 */
	explicit SessionControls(const libcamera::ControlInfoMap &known);

	/** Set the frame duration that stream @which promises. Zero means no promise. */
	void promise(Stream which, std::chrono::microseconds duration);
	/** Get the frame duration that stream @which promises. Zero means no promise. */
	std::chrono::microseconds promised(Stream which) const { return promised_[which]; }
	/**
	 * Get the frame duration that the main stream promises, or that lores promises if
	 * the main stream promises none. If neither stream promises a duration, the result
	 * is zero.
	 */
	std::chrono::microseconds frameDuration() const;

	/**
	 * Store @controls for later starts. Returns the controls to send to the camera now.
	 * If @controls have FrameDurationLimits, a promised frame duration replaces these
	 * limits in the result.
	 */
	libcamera::ControlList set(const libcamera::ControlList &controls);
	/**
	 * Get a list with the control FrameDurationLimits for the camera. If no stream
	 * promises a duration and FrameDurationLimits was never set, the list is empty.
	 */
	libcamera::ControlList frameDurationLimits() const;
	/**
	 * Get the values that the controls of @sets have without these sets: the values that
	 * were set, or the defaults. A control without either is not in the result. All
	 * controls that were set are in the result.
	 */
	libcamera::ControlList normal(std::span<const libcamera::ControlList> sets) const;
	/** Get all controls to send when the camera starts. */
	libcamera::ControlList all() const;

private:
	void overrideLimits(libcamera::ControlList &controls) const;

	const libcamera::ControlInfoMap &known_;
	libcamera::ControlList kept_;
	PerStream<std::chrono::microseconds> promised_{};
};

} /* namespace cmacam */
