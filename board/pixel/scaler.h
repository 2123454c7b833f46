/* SPDX-License-Identifier: MIT */
/*
 * Lines of a picture stretched to another size: bilinear, pixel centres
 * aligned, no filter against aliasing. A picture of that size passes unchanged.
 */
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "pixel/convert.h"
#include "pixel/picture.h"

namespace cmacam {

class Scaler
{
public:
	/* Starts on another picture; tables are kept while the sizes are. */
	void start(PicturePtr picture, Size output, uint32_t brightness);

	/* Lines in rising order are cheapest. Valid until the next but one call. */
	RgbLine line(uint32_t y);

private:
	struct Tap
	{
		uint32_t first = 0;
		uint32_t second = 0;
		uint16_t weight = 0; /* of second, 1/256 */
	};
	using Row = std::vector<uint8_t>;

	/* One line of the picture at the output's width. */
	struct Stretched
	{
		bool valid = false;
		uint32_t source = 0;
		std::array<Row, Picture::kPlanes> planes;
	};

	static std::vector<Tap> tapsFor(uint32_t input, uint32_t output);
	const Stretched &stretched(uint32_t source, uint32_t keep);
	const uint8_t *sourceRow(Picture::Plane plane, uint32_t y, uint32_t keep);

	PicturePtr picture_;
	Size input_;
	Size output_;
	uint32_t brightness_ = 256; /* 1/256 */
	std::vector<Tap> columns_;
	std::vector<Tap> rows_;
	std::array<Stretched, 2> stretched_;
	/* Two lines at once, for the formats that subsample chroma. */
	std::array<std::array<Row, Picture::kPlanes>, 2> result_;
	unsigned int turn_ = 0;
	/* Between blending and brightness, which must not overlap. */
	Row blended_;
};

} /* namespace cmacam */
