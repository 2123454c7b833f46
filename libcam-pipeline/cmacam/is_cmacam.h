/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Public interface of the cmacam pipeline handler: the test whether a camera is a cmacam camera.
 */

#pragma once

namespace libcamera {
class Camera;
}

namespace cmacam {

/**
 * \brief Check whether a camera belongs to a cmacam board
 * \param[in] camera The camera
 *
 * \return True if the cmacam pipeline handler has created the camera
 */
__attribute__((visibility("default"))) bool isCmacam(const libcamera::Camera &camera);

} /* namespace cmacam */
