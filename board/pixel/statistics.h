/* SPDX-License-Identifier: MIT */
/*
 * The statistics of a picture that the statistics channel writes.
 */
#pragma once

#include <cmacam-regs.h>

#include "pixel/picture.h"
#include "pixel/processing.h"

namespace cmacam::board {

/* Number of samples in each zone, which does not depend on the size of the picture. */
inline constexpr uint32_t kZoneSamples = 8; /* in each direction */
inline constexpr Size kStatisticsSize = {CMACAM_STATS_COLUMNS * kZoneSamples,
					 CMACAM_STATS_ROWS *kZoneSamples};

/* Fills `data`. The sequence number becomes 0; the caller sets it. */
void measure(const Picture &picture, const View &view, const Light &light, cmacam_stats_data &data);

} /* namespace cmacam::board */
