/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The errors of a Camera that has ended or was lost.
 */

#pragma once

#include <cerrno>

#include <cmacam/result.h>

#include "camera_session.h"

namespace cmacam {

inline const Error kClosed = {EPERM, "the camera was closed"};
inline const Error kStopped = {EPERM, "the camera was stopped"};
inline const Error kNotStarted = {EPERM, "the camera was not started"};

/** Makes the error for a program whose camera is lost; see CameraSession::lostError(). */
inline Error lostCamera(const CameraSession &session)
{
	Error lost = session.lostError();
	if (lost.code == ENODEV)
		lost.what = "the camera was unplugged";
	return lost;
}

} /* namespace cmacam */
