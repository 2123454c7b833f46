/* SPDX-License-Identifier: MIT */
/*
 * What the statistics channel says about a picture.
 */
#pragma once

#include <cmacam-regs.h>

#include "pixel/picture.h"
#include "pixel/processing.h"

namespace cmacam::board {

/* Samples taken: so many in each zone, and no more for a larger picture. */
inline constexpr uint32_t kZoneSamples = 8; /* in each direction */
inline constexpr Size kStatisticsSize = {CMACAM_STATS_COLUMNS * kZoneSamples,
					 CMACAM_STATS_ROWS *kZoneSamples};

/* Fills all but the sequence number. */
void measure(const Picture &picture, const View &view, const Light &light, cmacam_stats_data &data);

} /* namespace cmacam::board */
