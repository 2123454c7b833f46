/* SPDX-License-Identifier: MIT */
/*
 * Views of each format, parts of parts, and the conversion to BGR.
 */

#include <array>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>
#include <vector>

#include <cmacam/mapped_frame.h>

#include "fake_dma_buf.h"

using cmacam::FrameView;
using cmacam::MappedFrame;
using cmacam::PixelFormat;
using cmacam::Rect;

namespace {

constexpr unsigned int kViewWidth = 12;
constexpr unsigned int kViewHeight = 8;
constexpr unsigned int kViewStride = 64;

class FrameViewTest : public testing::Test
{
protected:
	FrameViewTest() : fd(FakeDmaBufs::create(kViewStride * kViewHeight * 2)) {}

	MappedFrame map(PixelFormat format)
	{
		return *MappedFrame::map(*cmacam::contiguousLayout(fd.get(), format, kViewWidth,
								   kViewHeight, kViewStride),
					 cmacam::Access::ReadWrite);
	}

	FakeDmaBufs fake;
	cmacam::UniqueFd fd;
};

using Colour = std::array<int, 3>;

/* As BT.709 has it, in floating point: blue, green, red. */
Colour reference(int y, int cb, int cr)
{
	const double luma = (y - 16) / 219.0;
	const double u = (cb - 128) / 224.0;
	const double v = (cr - 128) / 224.0;
	const auto code = [](double value) {
		return static_cast<int>(std::lround(std::min(std::max(value, 0.0), 1.0) * 255));
	};
	return {code(luma + 1.8556 * u),
		code(luma - 0.0722 * 1.8556 / 0.7152 * u - 0.2126 * 1.5748 / 0.7152 * v),
		code(luma + 1.5748 * v)};
}

std::vector<Colour> converted(const FrameView &view)
{
	const std::size_t stride = view.width() * 3 + 5;
	std::vector<std::byte> bytes(stride * view.height(), std::byte{0xcd});
	EXPECT_TRUE(view.bgr(bytes, stride));

	std::vector<Colour> colours;
	for (unsigned int y = 0; y < view.height(); y++) {
		const std::byte *at = &bytes[y * stride];
		for (unsigned int x = 0; x < view.width(); x++, at += 3)
			colours.push_back({std::to_integer<int>(at[0]), std::to_integer<int>(at[1]),
					   std::to_integer<int>(at[2])});
		EXPECT_EQ(*at, std::byte{0xcd}) << "nothing is written between the lines";
	}
	return colours;
}

bool near(const Colour &a, const Colour &b)
{
	for (std::size_t i = 0; i < a.size(); i++) {
		if (std::abs(a[i] - b[i]) > 1)
			return false;
	}
	return true;
}

int byteAt(const FrameView &view, std::size_t plane, unsigned int line, std::size_t index)
{
	return std::to_integer<int>(view.planes()[plane].line(line)[index]);
}

/* What pixel (x, y) of a whole frame is, told from its bytes. */
Colour expected(const FrameView &frame, unsigned int x, unsigned int y)
{
	switch (frame.format()) {
	case PixelFormat::Gray8:
		return reference(byteAt(frame, 0, y, x), 128, 128);
	case PixelFormat::Gray10:
		return reference(
			(byteAt(frame, 0, y, 2 * x) | byteAt(frame, 0, y, 2 * x + 1) << 8) >> 2,
			128, 128);
	case PixelFormat::Nv12:
		return reference(byteAt(frame, 0, y, x), byteAt(frame, 1, y / 2, x / 2 * 2),
				 byteAt(frame, 1, y / 2, x / 2 * 2 + 1));
	case PixelFormat::Yuv420:
		return reference(byteAt(frame, 0, y, x), byteAt(frame, 1, y / 2, x / 2),
				 byteAt(frame, 2, y / 2, x / 2));
	case PixelFormat::Rgb24:
		return {byteAt(frame, 0, y, 3 * x + 2), byteAt(frame, 0, y, 3 * x + 1),
			byteAt(frame, 0, y, 3 * x)};
	case PixelFormat::Bgrx32:
		return {byteAt(frame, 0, y, 4 * x), byteAt(frame, 0, y, 4 * x + 1),
			byteAt(frame, 0, y, 4 * x + 2)};
	case PixelFormat::Rgbx32:
		return {byteAt(frame, 0, y, 4 * x + 2), byteAt(frame, 0, y, 4 * x + 1),
			byteAt(frame, 0, y, 4 * x)};
	case PixelFormat::Yuyv:
		return reference(byteAt(frame, 0, y, 2 * x), byteAt(frame, 0, y, x / 2 * 4 + 1),
				 byteAt(frame, 0, y, x / 2 * 4 + 3));
	default:
		return {byteAt(frame, 0, y, 3 * x), byteAt(frame, 0, y, 3 * x + 1),
			byteAt(frame, 0, y, 3 * x + 2)};
	}
}

constexpr PixelFormat kPictures[] = {PixelFormat::Gray8, PixelFormat::Gray10, PixelFormat::Nv12,
				     PixelFormat::Yuyv,	 PixelFormat::Yuv420, PixelFormat::Bgr24,
				     PixelFormat::Rgb24, PixelFormat::Bgrx32, PixelFormat::Rgbx32};

} /* namespace */

TEST(Formats, EachIsFoundByEachName)
{
	for (const cmacam::FormatInfo &row : cmacam::formats()) {
		EXPECT_EQ(&cmacam::formatInfo(row.format), &row);
		EXPECT_EQ(cmacam::findFormat(row.name), &row);
		EXPECT_EQ(cmacam::findDrmFormat(row.drm), &row);
		EXPECT_EQ(cmacam::findV4l2Format(row.v4l2), &row);
	}
	EXPECT_EQ(cmacam::findFormat("MJPEG"), nullptr);
	EXPECT_EQ(cmacam::findDrmFormat(0), nullptr);
}

TEST(Formats, BlueFirstHasThreeNames)
{
	const cmacam::FormatInfo &row = cmacam::formatInfo(PixelFormat::Bgr24);
	EXPECT_STREQ(row.name, "RGB888");
	EXPECT_STREQ(row.gstreamer, "BGR");
	EXPECT_EQ(row.v4l2, 0x33524742U) << "BGR3";
	EXPECT_EQ(row.drm, 0x34324752U) << "RG24";
}

TEST_F(FrameViewTest, ViewsFollowTheFormat)
{
	for (const cmacam::FormatInfo &row : cmacam::formats()) {
		const MappedFrame frame = map(row.format);
		EXPECT_EQ(frame.width(), kViewWidth);
		EXPECT_EQ(frame.height(), kViewHeight);
		EXPECT_EQ(frame.planes().size(), row.planeCount);
		EXPECT_EQ(frame.gray().has_value(), row.format == PixelFormat::Gray8 ||
							    row.format == PixelFormat::Nv12 ||
							    row.format == PixelFormat::Yuv420);
		EXPECT_EQ(frame.yuv420().has_value(), row.format == PixelFormat::Yuv420);
		EXPECT_EQ(frame.nv12().has_value(), row.format == PixelFormat::Nv12);
	}
}

TEST_F(FrameViewTest, NothingIsLeftAfterTheEnd)
{
	MappedFrame frame = map(PixelFormat::Nv12);
	ASSERT_TRUE(frame.end());
	EXPECT_EQ(frame.width(), 0U);
	EXPECT_FALSE(frame.gray());
	EXPECT_FALSE(frame.nv12());
	EXPECT_EQ(frame.roi({0, 0, 1, 1}).error().code, EINVAL);
	EXPECT_EQ(frame.bgr({}, 0).error().code, ENODATA);
}

TEST_F(FrameViewTest, EachPixelIsConverted)
{
	for (PixelFormat format : kPictures) {
		const MappedFrame frame = map(format);
		const std::vector<Colour> colours = converted(frame);
		for (unsigned int y = 0; y < kViewHeight; y++) {
			for (unsigned int x = 0; x < kViewWidth; x++)
				ASSERT_TRUE(
					near(colours[y * kViewWidth + x], expected(frame, x, y)))
					<< cmacam::formatInfo(format).name << ' ' << x << ',' << y;
		}
	}
}

TEST_F(FrameViewTest, KnownColours)
{
	/* The bars of BT.709 in limited range: white, red, green, blue, black. */
	const int codes[][3] = {
		{235, 128, 128}, {63, 102, 240}, {173, 42, 26}, {32, 240, 118}, {16, 128, 128}};
	const Colour colours[] = {
		{255, 255, 255}, {0, 0, 255}, {0, 255, 0}, {255, 0, 0}, {0, 0, 0}};

	MappedFrame frame = map(PixelFormat::Nv12);
	for (std::size_t i = 0; i < std::size(codes); i++) {
		std::ranges::fill(frame.writable(0), static_cast<std::byte>(codes[i][0]));
		for (std::size_t j = 0; j < frame.writable(1).size(); j++)
			frame.writable(1)[j] = static_cast<std::byte>(codes[i][1 + j % 2]);
		EXPECT_TRUE(near(converted(frame).back(), colours[i])) << i;
	}
}

/* A part of a part, at every phase, shows what the whole shows there. */
TEST_F(FrameViewTest, PartsOfParts)
{
	for (PixelFormat format : kPictures) {
		const MappedFrame frame = map(format);
		const std::vector<Colour> whole = converted(frame);
		for (unsigned int i = 0; i < 16; i++) {
			const Rect outer{i & 1, i >> 1 & 1, 9, 6};
			const Rect inner{1 + (i >> 2 & 1), 1 + (i >> 3 & 1), 5, 3};
			auto part = frame.roi(outer);
			ASSERT_TRUE(part);
			auto small = part->roi(inner);
			ASSERT_TRUE(small);
			EXPECT_EQ(small->width(), 5U);
			EXPECT_EQ(small->height(), 3U);

			const std::vector<Colour> colours = converted(*small);
			for (unsigned int y = 0; y < 3; y++) {
				for (unsigned int x = 0; x < 5; x++)
					ASSERT_EQ(colours[y * 5 + x],
						  whole[(outer.y + inner.y + y) * kViewWidth +
							outer.x + inner.x + x])
						<< cmacam::formatInfo(format).name << ' ' << i;
			}
		}
		EXPECT_EQ(frame.roi({0, 0, kViewWidth + 1, 1}).error().code, EINVAL);
		EXPECT_EQ(frame.roi({0, kViewHeight, 1, 1}).error().code, EINVAL);
		auto last = frame.roi({kViewWidth - 1, kViewHeight - 1, 1, 1});
		ASSERT_TRUE(last);
		EXPECT_EQ(last->roi({0, 0, 2, 1}).error().code, EINVAL)
			<< "not the rest of the chroma sample";
	}
}

/* The same of a part that the kernel was asked for. */
TEST_F(FrameViewTest, MappedPartsKeepTheirPhase)
{
	for (PixelFormat format : kPictures) {
		auto mapping = cmacam::FrameMapping::map(*cmacam::contiguousLayout(
			fd.get(), format, kViewWidth, kViewHeight, kViewStride));
		ASSERT_TRUE(mapping);
		const std::vector<Colour> whole = converted(*mapping->begin());
		auto part = mapping->begin(Rect{3, 5, 4, 2});
		ASSERT_TRUE(part);
		const std::vector<Colour> colours = converted(*part);
		for (unsigned int i = 0; i < colours.size(); i++)
			EXPECT_EQ(colours[i], whole[(5 + i / 4) * kViewWidth + 3 + i % 4])
				<< cmacam::formatInfo(format).name << ' ' << i;
	}
}

TEST_F(FrameViewTest, WhatCannotBeConverted)
{
	std::vector<std::byte> room(kViewWidth * kViewHeight * 3);

	const MappedFrame gray = map(PixelFormat::Gray8);
	EXPECT_TRUE(gray.bgr(room, kViewWidth * 3));
	EXPECT_EQ(gray.bgr(room, kViewWidth * 3 - 1).error().code, EINVAL);
	EXPECT_EQ(gray.bgr(room, kViewWidth * 3 + 1).error().code, EINVAL);
	EXPECT_EQ(gray.bgr(std::span(room).first(room.size() - 1), kViewWidth * 3).error().code,
		  EINVAL);

	EXPECT_EQ(map(PixelFormat::Srggb8).bgr(room, kViewWidth * 3).error().code, ENOTSUP);
	EXPECT_EQ(map(PixelFormat::Srggb10).bgr(room, kViewWidth * 3).error().code, ENOTSUP);
}

TEST_F(FrameViewTest, PlanesOfAnotherFormatAreRefused)
{
	auto layout = cmacam::contiguousLayout(fd.get(), PixelFormat::Nv12, kViewWidth, kViewHeight,
					       kViewStride);
	ASSERT_TRUE(layout);
	layout->planes[1].height--;
	EXPECT_EQ(MappedFrame::map(*layout).error().code, EINVAL);

	layout->planes.pop_back();
	EXPECT_EQ(MappedFrame::map(*layout).error().code, EINVAL);
}
