/* SPDX-License-Identifier: MIT */
/*
 * The layout of frames in one dma-buf.
 */

#include <cerrno>
#include <gtest/gtest.h>

#include <cmacam/frame_layout.h>

using cmacam::contiguousLayout;
using cmacam::PixelFormat;

TEST(FrameLayout, Nv12ChromaFollowsPaddedLuma)
{
	auto layout = contiguousLayout(5, PixelFormat::Nv12, 640, 480, 704);
	ASSERT_TRUE(layout);
	ASSERT_EQ(layout->planes.size(), 2U);

	const cmacam::PlaneLayout &luma = layout->planes[0];
	EXPECT_EQ(luma.fd, 5);
	EXPECT_EQ(luma.offset, 0U);
	EXPECT_EQ(luma.length, 704U * 480);
	EXPECT_EQ(luma.width, 640U);
	EXPECT_EQ(luma.sampleSize, 1U);

	const cmacam::PlaneLayout &chroma = layout->planes[1];
	EXPECT_EQ(chroma.offset, 704U * 480);
	EXPECT_EQ(chroma.length, 704U * 240);
	EXPECT_EQ(chroma.width, 320U);
	EXPECT_EQ(chroma.height, 240U);
	EXPECT_EQ(chroma.stride, 704U);
	EXPECT_EQ(chroma.sampleSize, 2U);
}

TEST(FrameLayout, BayerHasTwoBytesPerSample)
{
	auto layout = contiguousLayout(5, PixelFormat::Srggb10, 640, 480, 1280);
	ASSERT_TRUE(layout);
	ASSERT_EQ(layout->planes.size(), 1U);
	EXPECT_EQ(layout->planes[0].sampleSize, 2U);
}

TEST(FrameLayout, PackedFormatsCountWholeSamples)
{
	auto yuyv = contiguousLayout(5, PixelFormat::Yuyv, 640, 480, 1280);
	ASSERT_TRUE(yuyv);
	EXPECT_EQ(yuyv->width, 640U);
	EXPECT_EQ(yuyv->planes[0].width, 320U) << "of two pixels each";
	EXPECT_EQ(yuyv->planes[0].sampleSize, 4U);
	EXPECT_EQ(contiguousLayout(5, PixelFormat::Yuyv, 641, 480, 1284).error().code, EINVAL);

	auto bgr = contiguousLayout(5, PixelFormat::Bgr24, 641, 479, 1923);
	ASSERT_TRUE(bgr);
	EXPECT_EQ(bgr->planes[0].length, 1923U * 479);
	EXPECT_EQ(contiguousLayout(5, PixelFormat::Bgr24, 641, 479, 1922).error().code, EINVAL);
}

TEST(FrameLayout, PlanarChromaHasHalfTheStride)
{
	auto layout = contiguousLayout(5, PixelFormat::Yuv420, 322, 242, 384);
	ASSERT_TRUE(layout);
	ASSERT_EQ(layout->planes.size(), 3U);
	for (std::size_t i : {1, 2}) {
		EXPECT_EQ(layout->planes[i].stride, 192U);
		EXPECT_EQ(layout->planes[i].width, 161U);
		EXPECT_EQ(layout->planes[i].height, 121U);
		EXPECT_EQ(layout->planes[i].offset, 384U * 242 + (i - 1) * 192 * 121);
	}
	EXPECT_EQ(contiguousLayout(5, PixelFormat::Yuv420, 322, 242, 323).error().code, EINVAL);
}

TEST(FrameLayout, BadGeometryIsRefused)
{
	EXPECT_EQ(contiguousLayout(5, PixelFormat::Gray8, 640, 480, 639).error().code, EINVAL);
	EXPECT_EQ(contiguousLayout(5, PixelFormat::Srggb10, 640, 480, 1278).error().code, EINVAL);
	EXPECT_EQ(contiguousLayout(5, PixelFormat::Nv12, 641, 480, 704).error().code, EINVAL);
	EXPECT_EQ(contiguousLayout(5, PixelFormat::Gray8, 0, 480, 704).error().code, EINVAL);
}
