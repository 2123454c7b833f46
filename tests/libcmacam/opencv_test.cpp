/* SPDX-License-Identifier: MIT */
/*
 * cv::Mat views lie on the frame's own bytes.
 */

#include <gtest/gtest.h>

#include <cmacam/opencv.h>

#include "fake_dma_buf.h"

using cmacam::MappedFrame;
using cmacam::PixelFormat;

namespace {

cmacam::Result<MappedFrame> map(int fd, PixelFormat format, unsigned int stride)
{
	return MappedFrame::map(*cmacam::contiguousLayout(fd, format, 60, 40, stride));
}

} /* namespace */

TEST(OpenCv, Nv12)
{
	FakeDmaBufs fake;
	cmacam::UniqueFd fd = FakeDmaBufs::create(64 * 60);
	auto frame = map(fd.get(), PixelFormat::Nv12, 64);
	ASSERT_TRUE(frame);

	cv::Mat gray = cmacam::gray(*frame);
	EXPECT_EQ(gray.type(), CV_8UC1);
	EXPECT_EQ(gray.size(), cv::Size(60, 40));
	EXPECT_EQ(gray.step[0], 64U);
	EXPECT_EQ(reinterpret_cast<const std::byte *>(gray.data), frame->planes()[0].data.data());
	EXPECT_EQ(gray.at<uchar>(3, 7), (3 * 64 + 7) % 251);

	cv::Mat uv = cmacam::uv(*frame);
	EXPECT_EQ(uv.type(), CV_8UC2);
	EXPECT_EQ(uv.size(), cv::Size(30, 20));
	EXPECT_EQ(reinterpret_cast<const std::byte *>(uv.data), frame->planes()[1].data.data());

	EXPECT_TRUE(cmacam::raw(*frame).empty());

	ASSERT_TRUE(frame->end());
	EXPECT_TRUE(cmacam::gray(*frame).empty());
}

TEST(OpenCv, Bayer)
{
	FakeDmaBufs fake;
	cmacam::UniqueFd fd = FakeDmaBufs::create(128 * 40);
	auto frame = map(fd.get(), PixelFormat::Srggb10, 128);
	ASSERT_TRUE(frame);

	cv::Mat raw = cmacam::raw(*frame);
	EXPECT_EQ(raw.type(), CV_16UC1);
	EXPECT_EQ(raw.size(), cv::Size(60, 40));
	EXPECT_EQ(raw.at<ushort>(0, 1), 2 | 3 << 8);
	EXPECT_TRUE(cmacam::gray(*frame).empty());
	EXPECT_TRUE(cmacam::uv(*frame).empty());
}

TEST(OpenCv, PackedFormats)
{
	FakeDmaBufs fake;
	cmacam::UniqueFd fd = FakeDmaBufs::create(256 * 40);

	auto yuyv = map(fd.get(), PixelFormat::Yuyv, 256);
	ASSERT_TRUE(yuyv);
	cv::Mat pairs = cmacam::yuyv(*yuyv);
	EXPECT_EQ(pairs.type(), CV_8UC2);
	EXPECT_EQ(pairs.size(), cv::Size(60, 40));
	EXPECT_EQ(pairs.at<cv::Vec2b>(2, 7)[1], (2 * 256 + 15) % 251);
	EXPECT_TRUE(cmacam::gray(*yuyv).empty());

	auto blueFirst = map(fd.get(), PixelFormat::Bgr24, 256);
	ASSERT_TRUE(blueFirst);
	EXPECT_EQ(cmacam::bgrView(*blueFirst).at<cv::Vec3b>(1, 1)[2], (256 + 5) % 251);

	auto wide = map(fd.get(), PixelFormat::Gray10, 256);
	ASSERT_TRUE(wide);
	EXPECT_EQ(cmacam::gray10(*wide).at<ushort>(0, 1), 2 | 3 << 8);

	auto mosaic = map(fd.get(), PixelFormat::Srggb8, 256);
	ASSERT_TRUE(mosaic);
	EXPECT_EQ(cmacam::raw(*mosaic).type(), CV_8UC1);
	EXPECT_TRUE(cmacam::bgr(*mosaic).empty());
}

TEST(OpenCv, BgrIsACopy)
{
	FakeDmaBufs fake;
	cmacam::UniqueFd fd = FakeDmaBufs::create(64 * 60);
	auto frame = map(fd.get(), PixelFormat::Nv12, 64);
	ASSERT_TRUE(frame);

	cv::Mat copy = cmacam::bgr(*frame);
	ASSERT_EQ(copy.size(), cv::Size(60, 40));
	ASSERT_TRUE(frame->end());
	copy.setTo(0);

	EXPECT_TRUE(cmacam::bgr(*frame).empty());
}

TEST(OpenCv, PartOfAFrame)
{
	FakeDmaBufs fake;
	cmacam::UniqueFd fd = FakeDmaBufs::create(64 * 60);
	auto mapping = cmacam::FrameMapping::map(
		*cmacam::contiguousLayout(fd.get(), PixelFormat::Nv12, 60, 40, 64));
	ASSERT_TRUE(mapping);
	auto frame = mapping->begin(cmacam::Rect{9, 4, 10, 6});
	ASSERT_TRUE(frame);

	cv::Mat gray = cmacam::gray(*frame);
	EXPECT_EQ(gray.size(), cv::Size(10, 6));
	EXPECT_EQ(gray.step[0], 64U);
	EXPECT_EQ(gray.at<uchar>(0, 0), (4 * 64 + 9) % 251);
	EXPECT_EQ(gray.at<uchar>(5, 9), (9 * 64 + 18) % 251);

	/* Columns 9 to 18 touch the CbCr pairs 4 to 9. */
	cv::Mat uv = cmacam::uv(*frame);
	EXPECT_EQ(uv.size(), cv::Size(6, 3));
	EXPECT_EQ(uv.at<cv::Vec2b>(0, 0)[0], (64 * 40 + 2 * 64 + 8) % 251);
}
