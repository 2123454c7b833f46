/* SPDX-License-Identifier: MIT */
/*
 * The test patterns that the sensor generates instead of the live picture.
 */
#pragma once

#include <cstdint>

#include "pixel/picture.h"

namespace cmacam::board {

/* Draws a test pattern. `pattern` is any CMACAM_PATTERN_* except CMACAM_PATTERN_OFF. */
PicturePtr drawTestPattern(uint32_t pattern, Size size);

} /* namespace cmacam::board */
