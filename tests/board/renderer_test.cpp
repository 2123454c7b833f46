/* SPDX-License-Identifier: MIT */
/*
 * Frames in memory: exact mosaic, stretching, brightness, cuts, padding.
 */
#include "pixel/renderer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>

#include <cmacam-regs.h>
#include <gtest/gtest.h>

using namespace cmacam::board;

namespace {

constexpr uint32_t kPictureFormats[] = {CMACAM_FMT_GREY,   CMACAM_FMT_NV12,   CMACAM_FMT_SRGGB10,
					CMACAM_FMT_Y10,	   CMACAM_FMT_YUYV,   CMACAM_FMT_BGR24,
					CMACAM_FMT_SRGGB8, CMACAM_FMT_YUV420, CMACAM_FMT_RGB24,
					CMACAM_FMT_XBGR32, CMACAM_FMT_RGBX32};

std::shared_ptr<Picture> noise(Size size, unsigned int seed = 1)
{
	auto picture = std::make_shared<Picture>(size);
	std::mt19937 random(seed);

	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		for (uint32_t y = 0; y < size.height; y++) {
			uint8_t *row = picture->row(static_cast<Picture::Plane>(p), y);
			std::generate_n(row, size.width,
					[&] { return static_cast<uint8_t>(random()); });
		}
	}

	return picture;
}

std::vector<std::byte> render(const PicturePtr &picture, const FrameLayout &layout,
			      double light = 1)
{
	std::vector<std::byte> memory(frameBytes(layout), std::byte{0xee});
	Renderer().render(*picture, View::whole(picture->size()), {.light = {light, light, light}},
			  layout, memory);
	return memory;
}

/* In BGR24, which holds every sample. */
std::vector<std::byte> renderView(const PicturePtr &picture, const View &view, Size size)
{
	const FrameLayout layout = {size.width, size.height, CMACAM_FMT_BGR24, 3 * size.width};
	std::vector<std::byte> memory(frameBytes(layout));
	Renderer().render(*picture, view, {}, layout, memory);
	return memory;
}

std::vector<std::byte> mirrored(const std::vector<std::byte> &frame, Size size, uint32_t flip)
{
	std::vector<std::byte> result(frame.size());

	for (uint32_t y = 0; y < size.height; y++) {
		for (uint32_t x = 0; x < size.width; x++) {
			const uint32_t toX = flip & CMACAM_FLIP_HORIZONTAL ? size.width - 1 - x : x;
			const uint32_t toY = flip & CMACAM_FLIP_VERTICAL ? size.height - 1 - y : y;
			std::copy_n(&frame[3 * (size.width * y + x)], 3,
				    &result[3 * (size.width * toY + toX)]);
		}
	}

	return result;
}

struct Line
{
	std::size_t start;  /* bytes from that of the frame */
	std::size_t bytes;  /* of pixels */
	std::size_t stride; /* bytes to the next line of the plane */
};

/* Of every plane, in the order of memory. */
std::vector<Line> linesOf(const FrameLayout &layout)
{
	std::vector<Line> lines;
	std::size_t start = 0;
	const auto plane = [&](std::size_t count, std::size_t bytes, std::size_t stride) {
		for (std::size_t y = 0; y < count; y++, start += stride)
			lines.push_back({start, bytes, stride});
	};

	plane(layout.height, lineBytes(layout), layout.stride);
	if (layout.format == CMACAM_FMT_NV12)
		plane(layout.height / 2, layout.width, layout.stride);
	for (int chroma = 0; chroma < 2 && layout.format == CMACAM_FMT_YUV420; chroma++)
		plane(layout.height / 2, layout.width / 2, layout.stride / 2);
	return lines;
}

uint16_t rawAt(const std::vector<std::byte> &memory, const FrameLayout &layout, uint32_t x,
	       uint32_t y)
{
	uint16_t value;
	std::memcpy(&value, &memory[layout.stride * y + 2 * x], sizeof(value));
	return value;
}

} /* namespace */

TEST(Renderer, MosaicIsExact)
{
	const FrameLayout layout = {66, 34, CMACAM_FMT_SRGGB10, 192};
	const auto picture = noise({66, 34});
	const auto memory = render(picture, layout);

	for (uint32_t y = 0; y < layout.height; y++) {
		for (uint32_t x = 0; x < layout.width; x++) {
			const Picture::Plane plane =
				y % 2 ? (x % 2 ? Picture::kBlue : Picture::kGreen)
				      : (x % 2 ? Picture::kGreen : Picture::kRed);
			const uint32_t v = picture->row(plane, y)[x];
			ASSERT_EQ(rawAt(memory, layout, x, y), v * 4 + v / 64) << x << "," << y;
		}
	}
}

TEST(Renderer, MosaicSpansTenBits)
{
	const FrameLayout layout = {16, 16, CMACAM_FMT_SRGGB10, 64};
	auto picture = std::make_shared<Picture>(Size{16, 16});
	EXPECT_EQ(rawAt(render(picture, layout), layout, 0, 0), 0u);
	picture->row(Picture::kRed, 0)[0] = 255;
	EXPECT_EQ(rawAt(render(picture, layout), layout, 0, 0), 1023u);
}

/* Formats that must agree with another one, sample by sample. */
TEST(Renderer, FormatsAgree)
{
	constexpr Size kSize = {66, 34};
	constexpr uint32_t kStride = 320;
	const auto picture = noise(kSize);
	const auto memoryOf = [&](uint32_t format) {
		return render(picture, {kSize.width, kSize.height, format, kStride});
	};
	const auto raw10 = memoryOf(CMACAM_FMT_SRGGB10), raw8 = memoryOf(CMACAM_FMT_SRGGB8);
	const auto grey = memoryOf(CMACAM_FMT_GREY), y10 = memoryOf(CMACAM_FMT_Y10);
	const auto yuyv = memoryOf(CMACAM_FMT_YUYV), bgr = memoryOf(CMACAM_FMT_BGR24);
	const auto rgb = memoryOf(CMACAM_FMT_RGB24), bgrx = memoryOf(CMACAM_FMT_XBGR32),
		   rgbx = memoryOf(CMACAM_FMT_RGBX32);
	const auto nv12 = memoryOf(CMACAM_FMT_NV12), planar = memoryOf(CMACAM_FMT_YUV420);
	const FrameLayout wide = {kSize.width, kSize.height, CMACAM_FMT_Y10, kStride};

	for (uint32_t y = 0; y < kSize.height; y++) {
		for (uint32_t x = 0; x < kSize.width; x++) {
			const std::size_t at = kStride * y + x;
			const auto luma = std::to_integer<uint32_t>(grey[at]);
			ASSERT_EQ(rawAt(raw10, wide, x, y) >> 2,
				  std::to_integer<uint32_t>(raw8[at]));
			ASSERT_EQ(rawAt(y10, wide, x, y), 4 * luma);
			ASSERT_EQ(std::to_integer<uint32_t>(yuyv[at + x]), luma);
			for (uint32_t p = 0; p < Picture::kPlanes; p++) {
				const auto plane = static_cast<Picture::Plane>(p);
				ASSERT_EQ(std::to_integer<uint8_t>(bgr[at + 2 * x + 2 - p]),
					  picture->row(plane, y)[x]);
				ASSERT_EQ(rgb[at + 2 * x + p], bgr[at + 2 * x + 2 - p]);
				ASSERT_EQ(bgrx[at + 3 * x + p], bgr[at + 2 * x + p]);
				ASSERT_EQ(rgbx[at + 3 * x + p], rgb[at + 2 * x + p]);
			}
			ASSERT_EQ(bgrx[at + 3 * x + 3], std::byte{255});
			ASSERT_EQ(rgbx[at + 3 * x + 3], std::byte{255});
			ASSERT_EQ(nv12[at], grey[at]);
			ASSERT_EQ(planar[at], grey[at]);
		}
	}

	constexpr std::size_t kCb = kStride * kSize.height, kCr = kCb + kStride * kSize.height / 4;
	for (uint32_t y = 0; y < kSize.height / 2; y++) {
		for (uint32_t x = 0; x < kSize.width / 2; x++) {
			const std::size_t at = kStride / 2 * y + x;
			ASSERT_EQ(planar[kCb + at], nv12[kCb + 2 * at]);
			ASSERT_EQ(planar[kCr + at], nv12[kCb + 2 * at + 1]);
		}
	}
}

TEST(Renderer, PaddingStays)
{
	for (uint32_t format : kPictureFormats) {
		const FrameLayout layout = {18, 16, format, 64};
		const auto memory = render(noise({18, 16}), layout);
		std::size_t end = 0;
		for (const Line &line : linesOf(layout)) {
			end = line.start + line.stride;
			for (std::size_t x = line.start + line.bytes; x < end; x++)
				ASSERT_EQ(memory[x], std::byte{0xee})
					<< formatOf(format).name << " at " << x;
		}
		ASSERT_EQ(memory.size(), end);
	}
}

/* Packed or far apart, the lines are the same. */
TEST(Renderer, StrideMovesLinesOnly)
{
	for (uint32_t format : kPictureFormats) {
		FrameLayout packed = {18, 16, format, 0};
		packed.stride = lineBytes(packed);
		const FrameLayout wide = {18, 16, format, 256};
		const auto picture = noise({18, 16});
		const auto ours = render(picture, packed), theirs = render(picture, wide);
		const std::vector<Line> near = linesOf(packed), far = linesOf(wide);
		ASSERT_EQ(ours.size(), near.back().start + near.back().bytes);
		for (std::size_t i = 0; i < near.size(); i++)
			ASSERT_EQ(std::memcmp(&ours[near[i].start], &theirs[far[i].start],
					      near[i].bytes),
				  0)
				<< formatOf(format).name << " line " << i;
	}
}

/* Whatever the cut, what is written equals the start of the whole frame. */
TEST(Renderer, CutFramesArePrefixes)
{
	for (uint32_t format : kPictureFormats) {
		const FrameLayout layout = {32, 16, format, 128};
		const auto picture = noise({32, 16});
		const auto whole = render(picture, layout);
		for (std::size_t size = 1; size < whole.size(); size += 13) {
			std::vector<std::byte> cut(size, std::byte{0xee});
			Renderer().render(*picture, View::whole({32, 16}), {}, layout, cut);
			ASSERT_TRUE(std::equal(cut.begin(), cut.end(), whole.begin())) << size;
		}
	}
}

TEST(Renderer, StretchingKeepsFlatAreasAndEnds)
{
	auto picture = std::make_shared<Picture>(Size{20, 10});
	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		for (uint32_t y = 0; y < 10; y++) {
			uint8_t *row = picture->row(static_cast<Picture::Plane>(p), y);
			std::fill_n(row, 10, 40);
			std::fill_n(row + 10, 10, 200);
		}
	}

	for (Size size : {Size{64, 32}, Size{16, 64}, Size{20, 64}, Size{16, 16}}) {
		const FrameLayout layout = {size.width, size.height, CMACAM_FMT_SRGGB10, 128};
		const auto memory = render(picture, layout);
		for (uint32_t y = 0; y < size.height; y++) {
			ASSERT_EQ(rawAt(memory, layout, 0, y), 160u);
			ASSERT_EQ(rawAt(memory, layout, size.width / 4, y), 160u);
			ASSERT_EQ(rawAt(memory, layout, size.width - 1, y), 803u);
		}
	}
}

/* A ramp stays a ramp: each output pixel lies where the input's line does. */
TEST(Renderer, StretchingInterpolates)
{
	auto picture = std::make_shared<Picture>(Size{64, 64});
	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		for (uint32_t y = 0; y < 64; y++) {
			uint8_t *row = picture->row(static_cast<Picture::Plane>(p), y);
			for (uint32_t x = 0; x < 64; x++)
				row[x] = static_cast<uint8_t>(x * 2 + y * 2);
		}
	}

	const FrameLayout layout = {200, 100, CMACAM_FMT_SRGGB10, 448};
	const auto memory = render(picture, layout);
	for (uint32_t y = 2; y < 98; y++) {
		for (uint32_t x = 4; x < 196; x++) {
			const double inX = (x + 0.5) * 64 / 200 - 0.5;
			const double inY = (y + 0.5) * 64 / 100 - 0.5;
			ASSERT_NEAR(rawAt(memory, layout, x, y) / 4.0, 2 * inX + 2 * inY, 2)
				<< x << "," << y;
		}
	}
}

TEST(Renderer, BrightnessMultipliesAndSaturates)
{
	const FrameLayout layout = {64, 32, CMACAM_FMT_SRGGB10, 128};
	for (Size size : {Size{64, 32}, Size{64, 64}, Size{20, 10}}) {
		auto picture = std::make_shared<Picture>(size);
		for (uint32_t y = 0; y < size.height; y++) {
			std::fill_n(picture->row(Picture::kRed, y), size.width, 60);
			std::fill_n(picture->row(Picture::kGreen, y), size.width, 100);
			std::fill_n(picture->row(Picture::kBlue, y), size.width, 200);
		}

		const auto twice = render(picture, layout, 2);
		EXPECT_EQ(rawAt(twice, layout, 0, 0), 120u * 4 + 1);
		EXPECT_EQ(rawAt(twice, layout, 1, 0), 200u * 4 + 3);
		EXPECT_EQ(rawAt(twice, layout, 1, 1), 1023u);
		const auto half = render(picture, layout, 0.5);
		EXPECT_EQ(rawAt(half, layout, 0, 0), 30u * 4);
		EXPECT_EQ(rawAt(half, layout, 1, 1), 100u * 4 + 1);
	}
}

/* A flipped frame is the frame flipped, whatever was stretched in which direction. */
TEST(Renderer, FlipsAreExact)
{
	constexpr Size kPicture = {64, 48};
	const auto picture = noise(kPicture);

	for (Size size : {Size{64, 48}, Size{64, 96}, Size{128, 48}, Size{100, 70}, Size{32, 16}}) {
		View view = View::whole(kPicture);
		const auto plain = renderView(picture, view, size);
		for (view.flip = 1; view.flip <= 3; view.flip++)
			ASSERT_EQ(renderView(picture, view, size), mirrored(plain, size, view.flip))
				<< size.width << "x" << size.height << " flip " << view.flip;
	}
}

/* A crop of the output's size passes pixel by pixel, mirrored or not. */
TEST(Renderer, CropOfTheSameSizeIsExact)
{
	constexpr Size kPicture = {64, 48}, kSize = {20, 18};
	const auto picture = noise(kPicture);
	std::vector<std::byte> expected;

	for (uint32_t y = 0; y < kSize.height; y++) {
		for (uint32_t x = 0; x < kSize.width; x++) {
			for (auto plane : {Picture::kBlue, Picture::kGreen, Picture::kRed})
				expected.push_back(std::byte{picture->row(plane, 10 + y)[30 + x]});
		}
	}

	for (uint32_t flip = 0; flip <= 3; flip++) {
		const View view = {kPicture, {30, 10, kSize.width, kSize.height}, flip};
		ASSERT_EQ(renderView(picture, view, kSize), mirrored(expected, kSize, flip))
			<< flip;
	}
}

/* The crop counts in pixels of the array, however many the picture has. */
TEST(Renderer, CropIsThatOfTheArray)
{
	auto picture = std::make_shared<Picture>(Size{64, 64});
	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		for (uint32_t y = 0; y < 64; y++) {
			uint8_t *row = picture->row(static_cast<Picture::Plane>(p), y);
			for (uint32_t x = 0; x < 64; x++)
				row[x] = static_cast<uint8_t>(x * 2 + y);
		}
	}

	const View view = {{640, 320}, {160, 80, 320, 160}, 0};
	const auto frame = renderView(picture, view, {100, 80});
	for (uint32_t y = 0; y < 80; y++) {
		for (uint32_t x = 0; x < 100; x++) {
			const double inX = (160 + (x + 0.5) * 3.2) / 10 - 0.5;
			const double inY = (80 + (y + 0.5) * 2) / 5 - 0.5;
			ASSERT_NEAR(std::to_integer<int>(frame[3 * (100 * y + x)]), 2 * inX + inY,
				    1.5)
				<< x << "," << y;
		}
	}
}

/* Every third row alone, each through the same buffers. */
TEST(Renderer, LinesDoNotOverwriteEachOther)
{
	auto picture = std::make_shared<Picture>(Size{20, 48});
	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		for (uint32_t y = 0; y < 48; y++)
			std::fill_n(picture->row(static_cast<Picture::Plane>(p), y), 20,
				    static_cast<uint8_t>(y));
	}

	const FrameLayout layout = {64, 16, CMACAM_FMT_SRGGB10, 128};
	const auto memory = render(picture, layout);
	for (uint32_t y = 0; y < layout.height; y++)
		EXPECT_EQ(rawAt(memory, layout, 0, y), 4 * (3 * y + 1));
}

/* Lines and tables are kept between frames; none of them may leak into the next. */
TEST(Renderer, ReuseLeavesNoTrace)
{
	Renderer renderer;
	/* Of two lines: the last ones of a picture are the first of the next. */
	const Size sizes[] = {{64, 32}, {20, 2}, {128, 128}};
	const FrameLayout layouts[] = {{64, 32, CMACAM_FMT_NV12, 64},
				       {32, 64, CMACAM_FMT_GREY, 64},
				       {128, 128, CMACAM_FMT_SRGGB10, 256}};

	for (unsigned int i = 0; i < 36; i++) {
		const auto picture = noise(sizes[i / 2 % 3], i);
		const FrameLayout &layout = layouts[i / 6 % 3];
		const double light = 1 + i / 18 * 0.2;
		std::vector<std::byte> memory(frameBytes(layout), std::byte{0xee});
		renderer.render(*picture, View::whole(picture->size()),
				{.light = {light, light, light}}, layout, memory);
		ASSERT_EQ(memory, render(picture, layout, light)) << i;
	}
}
