/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Public interface of the cmacam pipeline handler: the text of the last error.
 */

#pragma once

#include <string>

namespace cmacam {

/**
 * \brief Return one sentence that explains why the last operation of a camera failed
 * \param[in] cameraId The libcamera id of the camera
 *
 * The kernel driver composes the sentence. If memory was missing, the sentence
 * contains the amount that was needed, the amount that was available, and the
 * setting that helps. libcamera's API returns only errno values. An application
 * that wants to show the cause to its user calls this function after
 * FrameBufferAllocator::allocate(), Camera::configure() or Camera::start() has
 * failed.
 *
 * While frames are being lost, the function returns a sentence of the pipeline
 * handler instead. This sentence names the processes that hold the buffers. The
 * handler deletes this sentence when frames arrive without a gap again, or when
 * the camera is stopped.
 *
 * The function may be called from any thread. It may also be called after the
 * camera was unplugged.
 *
 * \return The sentence, or an empty string if the camera has no error
 */
__attribute__((visibility("default"))) std::string lastError(const std::string &cameraId);

} /* namespace cmacam */
