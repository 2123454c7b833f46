/* SPDX-License-Identifier: MIT */
/*
 * A lamp on the mains, whose light flickers, and the part of this that an exposure sees.
 */
#pragma once

#include <chrono>

namespace cmacam::board {

struct Flicker
{
	double frequency = 0; /* Hz, of the light: twice that of the mains; 0: steady light */
	double depth = 0;     /* percent by which the light rises and falls about its mean */

	/*
	 * Returns the mean of the light over an exposure, as a factor of the mean of the light.
	 * An exposure of whole periods always sees 1. All lines of a frame see the same light,
	 * as with a global shutter.
	 */
	double seenBy(std::chrono::nanoseconds start, std::chrono::nanoseconds exposure) const;
};

} /* namespace cmacam::board */
