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
 * Returns the running manager of this process, started by the first caller and
 * stopped when the last reference goes. The last reference must not be dropped
 * from a libcamera callback: stopping joins the thread that calls it.
 *
 * Errors:
 * - EBUSY: another part of the process has a manager of its own
 * - that of CameraManager::start() (no permission, no udev)
 */
Result<std::shared_ptr<libcamera::CameraManager>> sharedManager();

/** A manager that somebody else shares with us, started; nullptr if there is none. */
using ManagerSource = std::shared_ptr<libcamera::CameraManager> (*)();

/**
 * From now on sharedManager() asks @source before it makes a manager of its
 * own. @source is called while the process has no manager, and has to stay in
 * memory for as long as the process lives. The last caller's source counts.
 */
void setManagerSource(ManagerSource source);

} /* namespace cmacam */
