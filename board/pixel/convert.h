/* SPDX-License-Identifier: MIT */
/*
 * One line of RGB to one line of an output format.
 *
 * Luma and chroma follow BT.709 in limited range (16 to 235, 16 to 240), for
 * every frame size: it is what the driver reports as V4L2_COLORSPACE_REC709.
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

/* All counts are pixels of the line; even where chroma or mosaic is made. */
void convertToLuma(const RgbLine &line, uint8_t *luma, std::size_t width);

/* Interleaved Cb, Cr from the mean of each 2x2 block of two lines. */
void convertToChroma(const RgbLine &upper, const RgbLine &lower, uint8_t *chroma,
		     std::size_t width);

/* The same luma in ten bits: four times as much, 64 to 940. */
void convertToLuma10(const RgbLine &line, uint16_t *luma, std::size_t width);

/* Y Cb Y Cr, chroma from the mean of two pixels. */
void convertToYuyv(const RgbLine &line, uint8_t *yuyv, std::size_t width);

/* B G R, full range. */
void convertToBgr(const RgbLine &line, uint8_t *bgr, std::size_t width);

/* R G B, full range. */
void convertToRgb(const RgbLine &line, uint8_t *rgb, std::size_t width);

/* B G R and R G B with a fourth byte of 255. */
void convertToBgrx(const RgbLine &line, uint8_t *bgrx, std::size_t width);
void convertToRgbx(const RgbLine &line, uint8_t *rgbx, std::size_t width);

/*
 * RGGB mosaic: even lines hold R G R G, odd lines G B G B. 8 bits become 10 by
 * repeating the two highest, so that 0 and 255 map to 0 and 1023.
 */
void convertToMosaic8(const RgbLine &line, bool oddLine, uint8_t *raw, std::size_t width);
void convertToMosaic10(const RgbLine &line, bool oddLine, uint16_t *raw, std::size_t width);

} /* namespace cmacam::board */
