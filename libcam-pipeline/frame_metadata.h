/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Converts the driver's record of a frame to libcamera metadata.
 */

#pragma once

#include <cstddef>
#include <cstdint>

#include <linux/cmacam.h>

#include <libcamera/controls.h>

namespace libcamera {

/*
 * Size of a record of the first driver versions, bytes. Such a record ends
 * before the member flip of cmacam_frame_meta.
 */
constexpr std::size_t kShortestRecord = offsetof(cmacam_frame_meta, flip);

void fillFrameMetadata(const cmacam_frame_meta &record, ControlList *metadata);
void fillTimestamps(uint64_t timestamp, ControlList *metadata);

} /* namespace libcamera */
