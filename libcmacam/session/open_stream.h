/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens a stream of a camera: one session for each camera in this process.
 */
#pragma once

#include <memory>
#include <string>

#include <libcamera/camera.h>

#include <cmacam/result.h>

#include "camera_session.h"
#include "streams.h"

namespace cmacam {

/**
 * Stream @which of camera @id, but not of @gone, which libcamera may still
 * list after it was unplugged. If @id is empty: of the first cmacam camera,
 * or of the first camera where there is none of ours. The camera is
 * acquired for the first stream, and released with the last; a stream is
 * left when the last copy of what is returned goes. May be called from any
 * thread but libcamera's.
 * Errors: ENODEV, EBUSY, those of sharedManager() and Camera::acquire().
 */
Result<std::shared_ptr<CameraSession>> openStream(const std::string &id, Stream which,
						  const libcamera::Camera *gone = nullptr);

} /* namespace cmacam */
