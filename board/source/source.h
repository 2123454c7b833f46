/* SPDX-License-Identifier: MIT */
/*
 * The source of the pictures that the sensor sees: one picture per sensor frame.
 */
#pragma once

#include <cstdint>

#include "pixel/picture.h"

namespace cmacam::board {

/*
 * A source of pictures. The picture of a frame depends only on the number of the frame,
 * not on the time, so that tests get the same pictures on a busy host.
 *
 * The numbers rise. A number repeats if several channels show the same frame. A smaller
 * number than before means that the sensor was started again: the source starts again
 * with its first picture.
 *
 * Only the engine's thread calls picture() and skip().
 */
class Source
{
public:
	virtual ~Source() = default;

	/*
	 * Returns the picture of a frame. The picture may have any size. A synthetic source
	 * draws its picture in the size `wanted`.
	 */
	virtual PicturePtr picture(uint64_t sequence, Size wanted) = 0;

	/*
	 * Notifies the source that the engine does not need the picture of a frame for one of
	 * the channels, for example of a lost frame. The engine may still call picture() for
	 * another channel and the same frame.
	 */
	virtual void skip(uint64_t sequence) = 0;
};

} /* namespace cmacam::board */
