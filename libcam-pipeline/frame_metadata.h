/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The driver's record of a frame as libcamera metadata.
 */

#pragma once

#include <cstddef>
#include <cstdint>

#include <linux/cmacam.h>

#include <libcamera/controls.h>

namespace libcamera {

/* Of records as the first drivers write them; flips and all below came later. */
constexpr std::size_t kShortestRecord = offsetof(cmacam_frame_meta, flip);

void fillFrameMetadata(const cmacam_frame_meta &record, ControlList *metadata);
void fillTimestamps(uint64_t timestamp, ControlList *metadata);

} /* namespace libcamera */
