/* SPDX-License-Identifier: MIT */
/*
 * The test patterns that the sensor generates instead of the live picture.
 */
#include "source/test_pattern.h"

#include <algorithm>
#include <array>

#include <cmacam-regs.h>

namespace cmacam::board {

namespace {

using Colour = std::array<uint8_t, Picture::kPlanes>;

constexpr uint8_t kHigh = 191; /* 75 % */

/* White, yellow, cyan, green, magenta, red, blue, black. */
constexpr std::array<Colour, 8> kBars = {{
	{kHigh, kHigh, kHigh},
	{kHigh, kHigh, 0},
	{0, kHigh, kHigh},
	{0, kHigh, 0},
	{kHigh, 0, kHigh},
	{kHigh, 0, 0},
	{0, 0, kHigh},
	{0, 0, 0},
}};

constexpr uint8_t kMidGrey = 128;

uint8_t level(uint32_t pattern, Picture::Plane plane, uint32_t x, uint32_t width)
{
	switch (pattern) {
	case CMACAM_PATTERN_BARS:
		return kBars[x * kBars.size() / width][plane];
	case CMACAM_PATTERN_RAMP:
		return static_cast<uint8_t>(x * 255 / (width - 1));
	default:
		return kMidGrey;
	}
}

} /* namespace */

PicturePtr drawTestPattern(uint32_t pattern, Size size)
{
	auto picture = std::make_shared<Picture>(size);

	/* All of them are the same in every line. */
	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		const auto plane = static_cast<Picture::Plane>(p);
		uint8_t *first = picture->row(plane, 0);
		for (uint32_t x = 0; x < size.width; x++)
			first[x] = level(pattern, plane, x, size.width);
		for (uint32_t y = 1; y < size.height; y++)
			std::copy_n(first, size.width, picture->row(plane, y));
	}

	return picture;
}

} /* namespace cmacam::board */
