/* SPDX-License-Identifier: MIT */
/*
 * Lines of a picture, or of a part of it, at another size and mirrored:
 * bilinear, pixel centres aligned, no filter against aliasing. A part of the
 * output's size passes unchanged.
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
	 * Starts on another picture, which must outlive its last line. Tables
	 * are kept while sizes and view are.
	 */
	void start(const Picture &picture, const View &view, Size output);

	/* Lines in rising order are cheapest. Valid until the next but one call. */
	RgbLine line(uint32_t y);

private:
	struct Tap
	{
		uint32_t first = 0;
		uint32_t second = 0;
		uint16_t weight = 0; /* of second, 1/256 */
	};
	using Taps = std::vector<Tap>;
	using Row = std::vector<uint8_t>;

	/* Positions that follow each other need no arithmetic. */
	enum class Order { Rising, Falling, Scaled };

	/* One line of the picture at the output's width. */
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
	/* Two lines at once, for the formats that subsample chroma. */
	std::array<std::array<Row, Picture::kPlanes>, 2> result_;
	unsigned int turn_ = 0;
};

} /* namespace cmacam::board */
