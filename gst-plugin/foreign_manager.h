/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The CameraManager of libcamera's own GStreamer plugin.
 */
#pragma once

#include <memory>
#include <string_view>

#include <libcamera/camera_manager.h>

namespace cmacam::gst {

/**
 * Returns the running manager that libcamerasrc and libcamera's device provider
 * share. Returns nullptr if libcamera's plugin is not installed, if its version is not
 * known, if the plugin does not export the function that returns its manager, or if the
 * manager does not start.
 *
 * The caller must make sure that the process has no other CameraManager. If a second
 * manager is made, libcamera aborts the process. A caller cannot find out whether an
 * existing manager belongs to the plugin.
 */
std::shared_ptr<libcamera::CameraManager> libcameraPluginManager();

/**
 * Whether libcamera's plugin of @version has the interface that libcameraPluginManager()
 * calls. It has if it belongs to the libcamera for which cmacam's plugin was built.
 */
bool isKnownPluginVersion(std::string_view version);

} /* namespace cmacam::gst */
