/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The CameraManager of libcamera's own GStreamer plugin.
 */
#pragma once

#include <memory>

#include <libcamera/camera_manager.h>

namespace cmacam::gst {

/**
 * Returns the running manager that libcamerasrc and libcamera's device provider
 * share. Returns nullptr if the plugin is not installed, if it does not export the
 * function for its manager, or if the manager does not start.
 *
 * The caller makes sure that the process has no other CameraManager. libcamera
 * aborts the process when a second manager is made, and a caller cannot find out
 * whether an existing manager is that of the plugin.
 */
std::shared_ptr<libcamera::CameraManager> libcameraPluginManager();

} /* namespace cmacam::gst */
