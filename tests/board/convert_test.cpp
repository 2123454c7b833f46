/* SPDX-License-Identifier: MIT */
/*
 * The converters against GStreamer's, which videoconvert uses too: colour bars
 * and random colours, within 2 levels.
 */
#include "pixel/renderer.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>

#include <cmacam-regs.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "source/test_pattern.h"

using namespace cmacam::board;

namespace {

constexpr int kTolerance = 2; /* levels */

struct Deleter
{
	void operator()(GstVideoConverter *converter) const { gst_video_converter_free(converter); }
	void operator()(GstBuffer *buffer) const { gst_buffer_unref(buffer); }
};

class Frame
{
public:
	Frame(GstVideoFormat format, Size size, const char *colorimetry)
	{
		gst_video_info_set_format(&info_, format, size.width, size.height);
		EXPECT_TRUE(gst_video_colorimetry_from_string(&info_.colorimetry, colorimetry));
		buffer_.reset(gst_buffer_new_allocate(nullptr, info_.size, nullptr));
		EXPECT_TRUE(gst_video_frame_map(&frame_, &info_, buffer_.get(), GST_MAP_READWRITE));
	}
	~Frame() { gst_video_frame_unmap(&frame_); }
	Frame(const Frame &) = delete;
	Frame &operator=(const Frame &) = delete;

	GstVideoInfo *info() { return &info_; }
	GstVideoFrame *get() { return &frame_; }
	uint8_t *row(unsigned int plane, uint32_t y)
	{
		return static_cast<uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(&frame_, plane)) +
		       y * static_cast<uint32_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, plane));
	}
	uint8_t *component(unsigned int component, uint32_t y)
	{
		return static_cast<uint8_t *>(GST_VIDEO_FRAME_COMP_DATA(&frame_, component)) +
		       y * static_cast<uint32_t>(GST_VIDEO_FRAME_COMP_STRIDE(&frame_, component));
	}

private:
	std::unique_ptr<GstBuffer, Deleter> buffer_;
	GstVideoInfo info_;
	GstVideoFrame frame_;
};

/* Blocks of `block` pixels of one colour each: their inside is the same for
 * every way to place and filter chroma. */
PicturePtr colours(Size size, uint32_t block)
{
	auto picture = std::make_shared<Picture>(size);
	std::mt19937 random(7);

	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		const auto plane = static_cast<Picture::Plane>(p);
		for (uint32_t y = 0; y < size.height; y++) {
			uint8_t *row = picture->row(plane, y);
			if (y % block) {
				std::copy_n(picture->row(plane, y - 1), size.width, row);
				continue;
			}
			for (uint32_t x = 0; x < size.width; x++)
				row[x] = x % block ? row[x - 1] : static_cast<uint8_t>(random());
		}
	}

	return picture;
}

class ConvertTest : public testing::Test
{
protected:
	static void SetUpTestSuite() { gst_init(nullptr, nullptr); }

	/* Compares where `inside(x, y)` holds, for the planes' own coordinates. */
	template <typename Inside>
	void compare(const PicturePtr &picture, uint32_t code, GstVideoFormat format, Inside inside)
	{
		const Size size = picture->size();
		FrameLayout layout = {size.width, size.height, code, 0};
		layout.stride = (lineBytes(layout) + 63) / 64 * 64;
		std::vector<std::byte> memory(frameBytes(layout));
		Renderer().render(*picture, View::whole(picture->size()), {}, layout, memory);

		Frame in(GST_VIDEO_FORMAT_GBR, size, "sRGB");
		for (unsigned int p = 0; p < Picture::kPlanes; p++) {
			for (uint32_t y = 0; y < size.height; y++)
				std::copy_n(picture->row(static_cast<Picture::Plane>(p), y),
					    size.width, in.component(p, y));
		}
		const bool rgb = GST_VIDEO_FORMAT_INFO_IS_RGB(gst_video_format_get_info(format));
		Frame out(format, size, rgb ? "sRGB" : "bt709");
		const std::unique_ptr<GstVideoConverter, Deleter> converter(
			gst_video_converter_new(in.info(), out.info(), nullptr));
		ASSERT_TRUE(converter);
		gst_video_converter_frame(converter.get(), in.get(), out.get());

		const auto *ours = reinterpret_cast<const uint8_t *>(memory.data());
		const uint32_t planes = GST_VIDEO_FORMAT_INFO_N_PLANES(out.info()->finfo);
		for (uint32_t plane = 0; plane < planes; plane++) {
			/* Two planes of chroma have one component of a pair each. */
			const bool half = plane && planes == 3;
			const uint32_t lines = plane ? size.height / 2 : size.height;
			const uint32_t stride = half ? layout.stride / 2 : layout.stride;
			const uint32_t bytes = half ? size.width / 2 : lineBytes(layout);
			for (uint32_t y = 0; y < lines; y++, ours += stride) {
				const uint8_t *theirs = out.row(plane, y);
				for (uint32_t x = 0; x < bytes; x++) {
					if (!inside(x * size.width / bytes, plane ? 2 * y : y))
						continue;
					ASSERT_LE(std::abs(ours[x] - theirs[x]), kTolerance)
						<< "plane " << plane << " at " << x << "," << y
						<< ": " << int{ours[x]} << " for "
						<< int{theirs[x]};
				}
			}
		}
	}

	void compareBars(Size size, uint32_t code, GstVideoFormat format)
	{
		const uint32_t bar = size.width / 8;
		compare(drawTestPattern(CMACAM_PATTERN_BARS, size), code, format,
			[bar](uint32_t x, uint32_t) { return x % bar >= 4 && x % bar < bar - 4; });
	}

	void compareColours(uint32_t code, GstVideoFormat format)
	{
		constexpr uint32_t kBlock = 16;
		const auto inside = [](uint32_t at) {
			return at % kBlock >= 4 && at % kBlock < kBlock - 4;
		};
		compare(colours({512, 512}, kBlock), code, format,
			[inside](uint32_t x, uint32_t y) { return inside(x) && inside(y); });
	}
};

} /* namespace */

TEST_F(ConvertTest, BarsNv12)
{
	compareBars({640, 480}, CMACAM_FMT_NV12, GST_VIDEO_FORMAT_NV12);
	compareBars({1920, 1080}, CMACAM_FMT_NV12, GST_VIDEO_FORMAT_NV12);
}

TEST_F(ConvertTest, BarsGrey)
{
	compareBars({640, 480}, CMACAM_FMT_GREY, GST_VIDEO_FORMAT_GRAY8);
	compareBars({1920, 1080}, CMACAM_FMT_GREY, GST_VIDEO_FORMAT_GRAY8);
}

TEST_F(ConvertTest, ColoursNv12)
{
	compareColours(CMACAM_FMT_NV12, GST_VIDEO_FORMAT_NV12);
}

TEST_F(ConvertTest, ColoursGrey)
{
	compareColours(CMACAM_FMT_GREY, GST_VIDEO_FORMAT_GRAY8);
}

TEST_F(ConvertTest, Yuyv)
{
	compareBars({640, 480}, CMACAM_FMT_YUYV, GST_VIDEO_FORMAT_YUY2);
	compareColours(CMACAM_FMT_YUYV, GST_VIDEO_FORMAT_YUY2);
}

TEST_F(ConvertTest, Bgr)
{
	compareBars({640, 480}, CMACAM_FMT_BGR24, GST_VIDEO_FORMAT_BGR);
	compareColours(CMACAM_FMT_BGR24, GST_VIDEO_FORMAT_BGR);
}

TEST_F(ConvertTest, Rgb)
{
	compareBars({640, 480}, CMACAM_FMT_RGB24, GST_VIDEO_FORMAT_RGB);
	compareColours(CMACAM_FMT_RGB24, GST_VIDEO_FORMAT_RGB);
}

TEST_F(ConvertTest, FourBytes)
{
	compareColours(CMACAM_FMT_XBGR32, GST_VIDEO_FORMAT_BGRA);
	compareColours(CMACAM_FMT_RGBX32, GST_VIDEO_FORMAT_RGBA);
}

TEST_F(ConvertTest, Planar)
{
	compareBars({640, 480}, CMACAM_FMT_YUV420, GST_VIDEO_FORMAT_I420);
	compareColours(CMACAM_FMT_YUV420, GST_VIDEO_FORMAT_I420);
}

/* The ends of the limited range, which rounding must not leave. */
TEST_F(ConvertTest, RangeIsLimited)
{
	constexpr Size kSize = {16, 16};
	const FrameLayout layout = {16, 16, CMACAM_FMT_NV12, 64};
	auto picture = std::make_shared<Picture>(kSize);

	for (unsigned int level : {0u, 255u}) {
		for (unsigned int p = 0; p < Picture::kPlanes; p++) {
			for (uint32_t y = 0; y < kSize.height; y++)
				std::fill_n(picture->row(static_cast<Picture::Plane>(p), y), 16,
					    static_cast<uint8_t>(level));
		}
		std::vector<std::byte> memory(frameBytes(layout));
		Renderer().render(*picture, View::whole(picture->size()), {}, layout, memory);
		EXPECT_EQ(std::to_integer<int>(memory[0]), level ? 235 : 16);
		EXPECT_EQ(std::to_integer<int>(memory[64 * 16]), 128);
		EXPECT_EQ(std::to_integer<int>(memory[64 * 16 + 1]), 128);
	}
}
