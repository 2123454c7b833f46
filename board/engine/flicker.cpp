/* SPDX-License-Identifier: MIT */
/*
 * The light of a lamp on the mains: 1 + depth * cos(2 pi frequency t), and its mean.
 */
#include "engine/flicker.h"

#include <cmath>
#include <numbers>

namespace cmacam::board {

double Flicker::seenBy(std::chrono::nanoseconds start, std::chrono::nanoseconds exposure) const
{
	using Seconds = std::chrono::duration<double>;

	const double half = std::numbers::pi * frequency * Seconds(exposure).count();
	if (half == 0)
		return 1;

	/* The integral of the cosine over the exposure, divided by the exposure. */
	const double middle = 2 * std::numbers::pi * frequency * Seconds(start).count() + half;
	return 1 + depth / 100 * std::sin(half) / half * std::cos(middle);
}

} /* namespace cmacam::board */
