/* SPDX-License-Identifier: MIT */
/*
 * Conversion of a line of RGB into a line of an output format.
 *
 * Luma and chroma follow BT.709 in limited range (16 to 235, 16 to 240) at every
 * frame size, because the driver always reports V4L2_COLORSPACE_REC709.
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
 * `width` is the number of pixels in a line. It must be even for formats with chroma and
 * for mosaics.
 */
void convertToLuma(const RgbLine &line, uint8_t *luma, std::size_t width);

/* Makes interleaved Cb and Cr from the mean of each 2x2 block of two lines. */
void convertToChroma(const RgbLine &upper, const RgbLine &lower, uint8_t *chroma,
		     std::size_t width);

/* Makes luma of ten bits: four times the value of convertToLuma(), 64 to 940. */
void convertToLuma10(const RgbLine &line, uint16_t *luma, std::size_t width);

/* Makes Y Cb Y Cr, with chroma from the mean of two pixels. */
void convertToYuyv(const RgbLine &line, uint8_t *yuyv, std::size_t width);

/* Makes B G R in full range. */
void convertToBgr(const RgbLine &line, uint8_t *bgr, std::size_t width);

/* Makes R G B in full range. */
void convertToRgb(const RgbLine &line, uint8_t *rgb, std::size_t width);

/* Make B G R or R G B in full range, each with a fourth byte of 255. */
void convertToBgrx(const RgbLine &line, uint8_t *bgrx, std::size_t width);
void convertToRgbx(const RgbLine &line, uint8_t *rgbx, std::size_t width);

/*
 * Make a line of an RGGB mosaic: even lines have R G R G, odd lines have G B G B.
 * A sample of 10 bits is the 8 bits followed by the two highest of them again, so that
 * 0 becomes 0 and 255 becomes 1023.
 */
void convertToMosaic8(const RgbLine &line, bool oddLine, uint8_t *raw, std::size_t width);
void convertToMosaic10(const RgbLine &line, bool oddLine, uint16_t *raw, std::size_t width);

} /* namespace cmacam::board */
