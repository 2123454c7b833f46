/* SPDX-License-Identifier: MIT */
/*
 * What the sensor looks at: one picture per sensor frame.
 */
#pragma once

#include <cstdint>

#include "pixel/picture.h"

namespace cmacam::board {

/*
 * The picture of a frame depends on the frame's number alone, not on wall time:
 * what a test sees does not depend on how busy the host is. Numbers rise, and
 * repeat when several channels show the same frame; a smaller one means that the
 * sensor was started anew, which starts over with the first picture.
 *
 * One thread, the engine's, calls a source.
 */
class Source
{
public:
	virtual ~Source() = default;

	/* Any size may come back; `wanted` lets a synthetic picture fit exactly. */
	virtual PicturePtr picture(uint64_t sequence, Size wanted) = 0;

	/* The frame was lost, so nobody needs its picture. */
	virtual void skip(uint64_t sequence) = 0;
};

} /* namespace cmacam::board */
