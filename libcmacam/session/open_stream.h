/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens a stream of a camera. Each camera has one session in this process.
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
 * Open stream @which of camera @id. The model of a camera may replace its ID if no
 * other camera has this model. If @id is empty, the function chooses the first cmacam
 * camera, or the first camera of any kind if there is no cmacam camera. The function
 * ignores camera @gone, which was unplugged but which libcamera may still list.
 *
 * When the first stream of a camera is opened, the camera is acquired. When the
 * last stream of the camera ends, the camera is released. A stream ends when the
 * last copy of the returned pointer is destroyed. libcamera's threads must not call
 * this function. Any other thread may call this function.
 *
 * Errors: ENODEV, EBUSY, EINVAL if several cameras have the model @id, the errors of
 * sharedManager() and of Camera::acquire(). If there is no such camera, also the errors
 * of findAccessError().
 */
Result<std::shared_ptr<CameraSession>> openStream(const std::string &id, Stream which,
						  const libcamera::Camera *gone = nullptr);

} /* namespace cmacam */
