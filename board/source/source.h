/* SPDX-License-Identifier: MIT */
/*
 * The source of the live pictures. A source gives one picture for each frame of the sensor.
 */
#pragma once

#include <cstdint>

#include "pixel/picture.h"

namespace cmacam::board {

/*
 * A source of pictures. The picture of a frame depends only on the number of the frame,
 * not on the time, so that tests get the same pictures on a busy host.
 *
 * The numbers of the frames rise. If several channels show the same frame, its number
 * repeats. If a number is smaller than the number before, the sensor was started again.
 * The source then starts again with its first picture.
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
	 * Notifies the source that one of the channels does not need the picture of a frame,
	 * for example because the channel lost the frame. The engine may still call picture()
	 * with the same `sequence` for another channel.
	 */
	virtual void skip(uint64_t sequence) = 0;
};

} /* namespace cmacam::board */
