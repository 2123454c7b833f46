/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one libcamera CameraManager that all elements of a process share.
 */
#pragma once

#include <memory>

#include <libcamera/camera_manager.h>

#include "error.h"

namespace cmacam::gst {

/**
 * Returns the running manager, the one that libcamera's GStreamer plugin uses
 * where that is installed, started by the first caller and stopped when
 * the last reference goes. The last reference must not be dropped from a
 * libcamera callback: stopping joins the thread that calls it.
 *
 * Returns nullptr and fills @error with
 * - Busy: another part of the process has a manager of its own
 * - Open: libcamera could not start (no permission, no udev)
 */
std::shared_ptr<libcamera::CameraManager> sharedCameraManager(MaybeError &error);

} /* namespace cmacam::gst */
