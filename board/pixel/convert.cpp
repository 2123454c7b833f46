/* SPDX-License-Identifier: MIT */
/*
 * One line of RGB to one line of an output format.
 */
#include "pixel/convert.h"

namespace cmacam::board {

namespace {

/*
 * BT.709 limited range, 1/256. The luma weights sum to 220, which takes 255 to
 * 235 after the offset; each chroma row sums to 0, which keeps grey at 128.
 * 16 bits hold every sum, so a vector register holds as many as it can.
 */
constexpr uint16_t kYR = 47, kYG = 157, kYB = 16;
constexpr int16_t kUR = -26, kUG = -86, kUB = 112;
constexpr int16_t kVR = 112, kVG = -102, kVB = -10;

constexpr uint16_t kHalf = 128;

uint8_t lumaOf(uint8_t r, uint8_t g, uint8_t b)
{
	const auto sum = static_cast<uint16_t>(kYR * r + kYG * g + kYB * b + kHalf);
	return static_cast<uint8_t>((sum >> 8) + 16);
}

uint8_t cbOf(int16_t r, int16_t g, int16_t b)
{
	const auto sum = static_cast<int16_t>(kUR * r + kUG * g + kUB * b + kHalf);
	return static_cast<uint8_t>((sum >> 8) + 128);
}

uint8_t crOf(int16_t r, int16_t g, int16_t b)
{
	const auto sum = static_cast<int16_t>(kVR * r + kVG * g + kVB * b + kHalf);
	return static_cast<uint8_t>((sum >> 8) + 128);
}

/* Where the bytes of a pixel have its colours; a fourth one is 255. */
struct Places
{
	std::size_t bytes; /* of a pixel */
	std::size_t r, g, b;
};

template <Places kPlaces>
void interleave(const RgbLine &line, uint8_t *__restrict out, std::size_t width)
{
	const uint8_t *__restrict r = line.r;
	const uint8_t *__restrict g = line.g;
	const uint8_t *__restrict b = line.b;

	for (std::size_t x = 0; x < width; x++) {
		uint8_t *pixel = out + kPlaces.bytes * x;
		if constexpr (kPlaces.bytes == 4)
			pixel[3] = 255;
		pixel[kPlaces.r] = r[x];
		pixel[kPlaces.g] = g[x];
		pixel[kPlaces.b] = b[x];
	}
}

/* What a line of the mosaic holds at even and at odd places. */
struct Mosaic
{
	Mosaic(const RgbLine &line, bool oddLine)
		: even(oddLine ? line.g : line.r), odd(oddLine ? line.b : line.g)
	{
	}

	const uint8_t *even;
	const uint8_t *odd;
};

} /* namespace */

void convertToLuma(const RgbLine &line, uint8_t *__restrict luma, std::size_t width)
{
	const uint8_t *__restrict r = line.r;
	const uint8_t *__restrict g = line.g;
	const uint8_t *__restrict b = line.b;

	for (std::size_t x = 0; x < width; x++)
		luma[x] = lumaOf(r[x], g[x], b[x]);
}

void convertToLuma10(const RgbLine &line, uint16_t *__restrict luma, std::size_t width)
{
	const uint8_t *__restrict r = line.r;
	const uint8_t *__restrict g = line.g;
	const uint8_t *__restrict b = line.b;

	for (std::size_t x = 0; x < width; x++)
		luma[x] = static_cast<uint16_t>(lumaOf(r[x], g[x], b[x]) << 2);
}

void convertToYuyv(const RgbLine &line, uint8_t *__restrict yuyv, std::size_t width)
{
	const uint8_t *__restrict r = line.r;
	const uint8_t *__restrict g = line.g;
	const uint8_t *__restrict b = line.b;
	const auto mean = [](const uint8_t *plane, std::size_t x) {
		return static_cast<int16_t>((plane[x] + plane[x + 1] + 1) >> 1);
	};

	for (std::size_t x = 0; x < width; x += 2) {
		const int16_t meanR = mean(r, x), meanG = mean(g, x), meanB = mean(b, x);
		yuyv[2 * x] = lumaOf(r[x], g[x], b[x]);
		yuyv[2 * x + 1] = cbOf(meanR, meanG, meanB);
		yuyv[2 * x + 2] = lumaOf(r[x + 1], g[x + 1], b[x + 1]);
		yuyv[2 * x + 3] = crOf(meanR, meanG, meanB);
	}
}

void convertToBgr(const RgbLine &line, uint8_t *__restrict bgr, std::size_t width)
{
	interleave<Places{3, 2, 1, 0}>(line, bgr, width);
}

void convertToRgb(const RgbLine &line, uint8_t *__restrict rgb, std::size_t width)
{
	interleave<Places{3, 0, 1, 2}>(line, rgb, width);
}

void convertToBgrx(const RgbLine &line, uint8_t *__restrict bgrx, std::size_t width)
{
	interleave<Places{4, 2, 1, 0}>(line, bgrx, width);
}

void convertToRgbx(const RgbLine &line, uint8_t *__restrict rgbx, std::size_t width)
{
	interleave<Places{4, 0, 1, 2}>(line, rgbx, width);
}

void convertToChroma(const RgbLine &upper, const RgbLine &lower, uint8_t *__restrict chroma,
		     std::size_t width)
{
	const auto mean = [](const uint8_t *a, const uint8_t *b, std::size_t x) {
		return static_cast<int16_t>((a[x] + a[x + 1] + b[x] + b[x + 1] + 2) >> 2);
	};

	for (std::size_t x = 0; x < width; x += 2) {
		const int16_t r = mean(upper.r, lower.r, x);
		const int16_t g = mean(upper.g, lower.g, x);
		const int16_t b = mean(upper.b, lower.b, x);
		chroma[x] = cbOf(r, g, b);
		chroma[x + 1] = crOf(r, g, b);
	}
}

void convertToMosaic8(const RgbLine &line, bool oddLine, uint8_t *__restrict raw, std::size_t width)
{
	const Mosaic mosaic(line, oddLine);
	const uint8_t *__restrict even = mosaic.even;
	const uint8_t *__restrict odd = mosaic.odd;

	for (std::size_t x = 0; x < width; x += 2) {
		raw[x] = even[x];
		raw[x + 1] = odd[x + 1];
	}
}

void convertToMosaic10(const RgbLine &line, bool oddLine, uint16_t *__restrict raw,
		       std::size_t width)
{
	const Mosaic mosaic(line, oddLine);
	const uint8_t *__restrict even = mosaic.even;
	const uint8_t *__restrict odd = mosaic.odd;
	const auto expand = [](uint8_t v) { return static_cast<uint16_t>(v << 2 | v >> 6); };

	for (std::size_t x = 0; x < width; x += 2) {
		raw[x] = expand(even[x]);
		raw[x + 1] = expand(odd[x + 1]);
	}
}

} /* namespace cmacam::board */
