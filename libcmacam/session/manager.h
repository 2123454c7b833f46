/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one libcamera CameraManager that all cameras of a process share.
 */
#pragma once

#include <memory>

#include <libcamera/camera_manager.h>

#include <cmacam/result.h>

namespace cmacam {

/**
 * Get the running manager of this process. The first call starts the manager, and
 * the end of the last reference stops it. A callback of libcamera must not drop the
 * last reference, because the end of the manager joins the callback's thread.
 *
 * Errors:
 * - EBUSY: another part of the process has made another manager
 * - the error of CameraManager::start() (no permission, no udev)
 */
Result<std::shared_ptr<libcamera::CameraManager>> sharedManager();

/** A function that returns a running manager of another library, or nullptr. */
using ManagerSource = std::shared_ptr<libcamera::CameraManager> (*)();

/**
 * Set the function that sharedManager() calls before it makes a manager itself.
 * sharedManager() calls @source only when the process has no manager. @source must
 * stay in memory as long as the process lives. A later call replaces @source.
 */
void setManagerSource(ManagerSource source);

} /* namespace cmacam */
