/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Public interface of the cmacam pipeline handler: the last error in words.
 */

#pragma once

#include <string>

namespace cmacam {

/**
 * \brief Why the last operation of a camera failed, in one sentence
 * \param[in] cameraId The libcamera id of the camera
 *
 * The kernel driver composes the sentence, with the numbers that matter: what
 * was needed, what there was, what to set. libcamera's API has errno values
 * only, so an application that wants to tell its user more asks here after
 * FrameBufferAllocator::allocate(), Camera::configure() or Camera::start() has
 * failed.
 *
 * While frames are being lost it is the sentence that tells who holds their
 * buffers, until they come without a gap again or the camera is stopped.
 *
 * May be called from any thread, also after the camera was unplugged.
 *
 * \return The sentence, or an empty string if that camera had no error
 */
__attribute__((visibility("default"))) std::string lastError(const std::string &cameraId);

} /* namespace cmacam */
