/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Public interface of the cmacam pipeline handler: whose a camera is.
 */

#pragma once

namespace libcamera {
class Camera;
}

namespace cmacam {

/**
 * \brief Whether a camera is a cmacam board
 * \param[in] camera The camera
 *
 * \return True if the cmacam pipeline handler has made it
 */
__attribute__((visibility("default"))) bool isCmacam(const libcamera::Camera &camera);

} /* namespace cmacam */
