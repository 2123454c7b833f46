/* SPDX-License-Identifier: MIT */
/*
 * The layout of frames in one dma-buf.
 */

#include <cerrno>
#include <gtest/gtest.h>

#include <cmacam/frame.h>

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

TEST(FrameLayout, BadGeometryIsRefused)
{
	EXPECT_EQ(contiguousLayout(5, PixelFormat::Gray8, 640, 480, 639).error().code, EINVAL);
	EXPECT_EQ(contiguousLayout(5, PixelFormat::Srggb10, 640, 480, 1278).error().code, EINVAL);
	EXPECT_EQ(contiguousLayout(5, PixelFormat::Nv12, 641, 480, 704).error().code, EINVAL);
	EXPECT_EQ(contiguousLayout(5, PixelFormat::Gray8, 0, 480, 704).error().code, EINVAL);
}
