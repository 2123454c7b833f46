/* SPDX-License-Identifier: MIT */
/*
 * Scales and mirrors a part of a picture, line by line. The interpolation is bilinear
 * with aligned pixel centres, without a filter against aliasing. If the part has the
 * size of the output, the scaler does not change the samples.
 */
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "pixel/convert.h"
#include "pixel/picture.h"

namespace cmacam::board {

class Scaler
{
public:
	/*
	 * Starts with another picture. `picture` must stay valid until the caller has read
	 * the last line of the output. The tables are calculated again only if a size or the
	 * view has changed.
	 */
	void start(const Picture &picture, const View &view, Size output);

	/*
	 * Returns line `y` of the output. The result is valid until line() is called the
	 * second time after this call. If the lines are read in rising order, they cost the
	 * least time.
	 */
	RgbLine line(uint32_t y);

private:
	struct Tap
	{
		uint32_t first = 0;
		uint32_t second = 0;
		uint16_t weight = 0; /* weight of `second`, 1/256 */
	};
	using Taps = std::vector<Tap>;
	using Row = std::vector<uint8_t>;

	/* Order of the taps. Scaled needs interpolation. Rising and Falling only copy samples. */
	enum class Order { Rising, Falling, Scaled };

	/* One line of the picture, scaled to the width of the output. */
	struct Stretched
	{
		bool valid = false;
		uint32_t source = 0;
		std::array<Row, Picture::kPlanes> planes;
	};

	static Order orderOf(const Taps &taps);
	void stretch(Picture::Plane plane, uint32_t source, uint8_t *out) const;
	const Stretched &stretched(uint32_t source, uint32_t keep);
	const uint8_t *sourceRow(Picture::Plane plane, uint32_t y, uint32_t keep);

	const Picture *picture_ = nullptr;
	Size input_;
	View view_;
	Size output_;
	Taps columns_;
	Taps rows_;
	Order columnOrder_ = Order::Rising;
	Order rowOrder_ = Order::Rising;
	std::array<Stretched, 2> stretched_;
	/* Two lines, because formats with subsampled chroma need two lines at the same time. */
	std::array<std::array<Row, Picture::kPlanes>, 2> result_;
	unsigned int turn_ = 0;
};

} /* namespace cmacam::board */
