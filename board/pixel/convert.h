/* SPDX-License-Identifier: MIT */
/*
 * Conversion of a line of RGB into a line of an output format.
 *
 * Luma and chroma follow BT.709 in limited range (luma 16 to 235, chroma 16 to 240) at
 * every frame size, because the driver always reports V4L2_COLORSPACE_REC709.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace cmacam::board {

struct RgbLine
{
	const uint8_t *r;
	const uint8_t *g;
	const uint8_t *b;
};

/*
 * Makes 8-bit luma. In all functions, `width` is the number of pixels in a line. For
 * formats with chroma and for mosaics, `width` must be even.
 */
void convertToLuma(const RgbLine &line, uint8_t *luma, std::size_t width);

/* Makes interleaved Cb and Cr from the mean of each 2x2 block of two lines. */
void convertToChroma(const RgbLine &upper, const RgbLine &lower, uint8_t *chroma,
		     std::size_t width);

/* Makes 10-bit luma, 64 to 940. Each value is four times the value of convertToLuma(). */
void convertToLuma10(const RgbLine &line, uint16_t *luma, std::size_t width);

/* Makes samples in the order Y Cb Y Cr. Two pixels share the chroma of their mean. */
void convertToYuyv(const RgbLine &line, uint8_t *yuyv, std::size_t width);

/* Makes samples in the order B G R, in full range. */
void convertToBgr(const RgbLine &line, uint8_t *bgr, std::size_t width);

/* Makes samples in the order R G B, in full range. */
void convertToRgb(const RgbLine &line, uint8_t *rgb, std::size_t width);

/* Make samples in the order B G R 255 or R G B 255, in full range. */
void convertToBgrx(const RgbLine &line, uint8_t *bgrx, std::size_t width);
void convertToRgbx(const RgbLine &line, uint8_t *rgbx, std::size_t width);

/*
 * Make a line of an RGGB mosaic: even lines have R G R G, odd lines have G B G B.
 * A 10-bit sample has the 8-bit sample in its upper bits. Its two lower bits are a copy
 * of its two highest bits, so that 0 becomes 0 and 255 becomes 1023.
 */
void convertToMosaic8(const RgbLine &line, bool oddLine, uint8_t *raw, std::size_t width);
void convertToMosaic10(const RgbLine &line, bool oddLine, uint16_t *raw, std::size_t width);

} /* namespace cmacam::board */
