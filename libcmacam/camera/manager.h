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
 * libcamera, running for as long as somebody keeps the pointer.
 *
 * \return The error of CameraManager::start(); EBUSY if another part of the process
 * has a manager of its own
 */
Result<std::shared_ptr<libcamera::CameraManager>> sharedManager();

} /* namespace cmacam */
