/* SPDX-License-Identifier: MIT */
/*
 * The pixel formats a channel writes, and how a frame lies in memory.
 */
#include "pixel/format.h"

#include <array>

#include <cmacam-regs.h>

namespace cmacam::board {

namespace {

constexpr std::array<Format, CMACAM_FMT_COUNT> kFormats = {{
	/* In the order of CMACAM_FMT_*. */
	{"GREY", 1, 1, 0, false},
	{"NV12", 1, 2, 2, false},
	{"SRGGB10", 2, 2, 0, true},
	{"Y10", 2, 2, 0, false},
	{"YUYV", 2, 4, 0, false},
	{"BGR24", 3, 1, 0, false},
	{"SRGGB8", 1, 1, 0, true},
	{"STATS", 0, 1, 0, false},
	{"YUV420", 1, 2, 2, false},
	{"RGB24", 3, 1, 0, false},
	{"XBGR32", 4, 4, 0, false},
	{"RGBX32", 4, 4, 0, false},
}};

} /* namespace */

const Format &formatOf(uint32_t code)
{
	return kFormats[code];
}

uint32_t lineBytes(const FrameLayout &layout)
{
	return layout.width * formatOf(layout.format).bytesPerPixel;
}

uint64_t frameBytes(const FrameLayout &layout)
{
	if (layout.format == CMACAM_FMT_STATS)
		return sizeof(cmacam_stats_data);

	const Format &format = formatOf(layout.format);
	const uint64_t luma = uint64_t{layout.stride} * layout.height;

	return format.chromaDivisor ? luma + luma / format.chromaDivisor : luma;
}

} /* namespace cmacam::board */
