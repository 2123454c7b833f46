/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Converts the driver's record of a frame to libcamera metadata.
 */

#pragma once

#include <linux/cmacam.h>

#include <libcamera/controls.h>

namespace libcamera {

void fillFrameMetadata(const cmacam_frame_meta &record, ControlList *metadata);

} /* namespace libcamera */
