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
 * Get the running manager of this process. The first call starts the manager. When
 * the last reference is dropped, the manager stops. A callback of libcamera must
 * not drop the last reference, because the destructor of the manager joins the
 * thread of the callback.
 *
 * Errors:
 * - EBUSY: another part of the process has made a manager of its own
 * - EPERM: this process was forked while its parent process had a manager
 * - the error of CameraManager::start() (no permission, no udev)
 */
Result<std::shared_ptr<libcamera::CameraManager>> sharedManager();

/** A function that returns a running manager of another library, or nullptr. */
using ManagerSource = std::shared_ptr<libcamera::CameraManager> (*)();

/**
 * Set a function that can supply the manager for sharedManager(). If the process
 * has no manager, sharedManager() first calls @source and uses the manager that
 * @source returns. If @source returns nullptr, sharedManager() makes a manager.
 * @source must stay in memory as long as the process lives. A later call of
 * setManagerSource() replaces @source.
 */
void setManagerSource(ManagerSource source);

} /* namespace cmacam */
