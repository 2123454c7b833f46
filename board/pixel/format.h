/* SPDX-License-Identifier: MIT */
/*
 * The pixel formats a channel writes, and how a frame lies in memory.
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
	uint32_t bytesPerPixel; /* of the first plane; 0: not of pixels */
	uint32_t strideAlign;	/* bytes, a power of two: no sample or pair may be split */
	uint32_t chromaDivisor; /* all chroma is 1 / this of what luma is; 0: none */
	bool bayer;		/* what the sensor saw, not processed */
};

/* `code` is one of CMACAM_FMT_*. */
const Format &formatOf(uint32_t code);

uint32_t lineBytes(const FrameLayout &layout);
/* From the first byte to the end of the last line's stride. */
uint64_t frameBytes(const FrameLayout &layout);

} /* namespace cmacam::board */
