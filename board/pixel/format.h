/* SPDX-License-Identifier: MIT */
/*
 * The pixel formats that a channel writes, and the layout of a frame in memory.
 */
#pragma once

#include <cstdint>

namespace cmacam::board {

struct FrameLayout
{
	uint32_t width = 0;  /* pixels */
	uint32_t height = 0; /* lines */
	uint32_t format = 0; /* CMACAM_FMT_* */
	uint32_t stride = 0; /* bytes */
};

struct Format
{
	const char *name;
	uint32_t bytesPerPixel; /* of the first plane; 0: the format has no pixels */
	uint32_t strideAlign; /* bytes, a power of two: a stride has only whole samples and pairs */
	uint32_t chromaDivisor; /* luma bytes / chroma bytes; 0: no chroma planes */
	bool bayer;		/* raw samples of the sensor, without image processing */
};

/* Returns the format of a code; `code` is one of CMACAM_FMT_*. */
const Format &formatOf(uint32_t code);

/* Returns the number of bytes in a line of the first plane, without padding. */
uint32_t lineBytes(const FrameLayout &layout);
/* Returns the number of bytes in a frame, padding of the last line included. */
uint64_t frameBytes(const FrameLayout &layout);

} /* namespace cmacam::board */
