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
 * Open stream @which of camera @id. If @id is empty, the function chooses the first
 * cmacam camera, or the first camera of any kind if there is no cmacam camera. The
 * function ignores @gone, a camera that libcamera may still list after it was
 * unplugged.
 *
 * The first stream of a camera acquires it, and the end of its last stream releases
 * it. The stream ends with the last copy of the returned pointer. libcamera's
 * threads must not call this function; any other thread may.
 *
 * Errors: ENODEV, EBUSY, the errors of sharedManager() and of Camera::acquire().
 */
Result<std::shared_ptr<CameraSession>> openStream(const std::string &id, Stream which,
						  const libcamera::Camera *gone = nullptr);

} /* namespace cmacam */
