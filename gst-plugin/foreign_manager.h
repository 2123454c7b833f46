/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The CameraManager of libcamera's own GStreamer plugin.
 */
#pragma once

#include <memory>

#include <libcamera/camera_manager.h>

namespace cmacam::gst {

/**
 * The manager that libcamerasrc and libcamera's device provider share, started.
 * nullptr where there is no such plugin, or it has changed. Not to be called while
 * anybody else has a manager: if it is not the plugin's, libcamera aborts, and
 * nothing tells whose it is.
 */
std::shared_ptr<libcamera::CameraManager> libcameraPluginManager();

} /* namespace cmacam::gst */
