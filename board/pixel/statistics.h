/* SPDX-License-Identifier: MIT */
/*
 * Measures the statistics of a picture. The statistics channel writes them to memory.
 */
#pragma once

#include <cmacam-regs.h>

#include "pixel/picture.h"
#include "pixel/processing.h"

namespace cmacam::board {

/* Samples of a zone in each direction. The number is the same for all sizes of pictures. */
inline constexpr uint32_t kZoneSamples = 8;
inline constexpr Size kStatisticsSize = {CMACAM_STATS_COLUMNS * kZoneSamples,
					 CMACAM_STATS_ROWS *kZoneSamples};

/* Stores the statistics in `data`, with the sequence number 0. The caller sets the number. */
void measure(const Picture &picture, const View &view, const Light &light, cmacam_stats_data &data);

} /* namespace cmacam::board */
