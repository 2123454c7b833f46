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
	/* Bytes of a pixel in the first plane. The value 0 means that the format has no pixels. */
	uint32_t bytesPerPixel;
	/*
	 * Alignment of a stride, bytes, a power of two. Because of the alignment, a stride has
	 * only whole samples and whole pairs of pixels.
	 */
	uint32_t strideAlign;
	/* Luma bytes divided by chroma bytes. The value 0 means that there are no chroma planes. */
	uint32_t chromaDivisor;
	/* Whether the format has raw samples of the sensor, without image processing. */
	bool bayer;
};

/* Returns the format for `code`, which is one of CMACAM_FMT_*. */
const Format &formatOf(uint32_t code);

/* Returns the number of bytes in a line of the first plane, without padding. */
uint32_t lineBytes(const FrameLayout &layout);
/* Returns the number of bytes in a frame, including the padding of the last line. */
uint64_t frameBytes(const FrameLayout &layout);

} /* namespace cmacam::board */
