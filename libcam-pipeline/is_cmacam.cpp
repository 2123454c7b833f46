/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whose a camera is, for the public interface of the handler.
 */

#include "cmacam/is_cmacam.h"

#include <string_view>

#include "libcamera/internal/camera.h"
#include "libcamera/internal/pipeline_handler.h"

namespace cmacam {

/* By name: a handler that was built within libcamera's tree is another class. */
bool isCmacam(const libcamera::Camera &camera)
{
	return std::string_view(camera._d()->pipe()->name()) == "cmacam";
}

} /* namespace cmacam */
