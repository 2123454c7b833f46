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

TEST(OpenCv, ColoursOfWholeBytes)
{
	FakeDmaBufs fake;
	cmacam::UniqueFd fd = FakeDmaBufs::create(256 * 40);

	auto redFirst = map(fd.get(), PixelFormat::Rgb24, 256);
	ASSERT_TRUE(redFirst);
	EXPECT_EQ(cmacam::rgbView(*redFirst).at<cv::Vec3b>(1, 1)[2], (256 + 5) % 251);
	EXPECT_TRUE(cmacam::bgrView(*redFirst).empty());
	EXPECT_EQ(cmacam::bgr(*redFirst).at<cv::Vec3b>(1, 1)[0], (256 + 5) % 251);

	auto blueFirst = map(fd.get(), PixelFormat::Bgrx32, 256);
	ASSERT_TRUE(blueFirst);
	EXPECT_EQ(cmacam::bgrxView(*blueFirst).size(), cv::Size(60, 40));
	EXPECT_EQ(cmacam::bgrxView(*blueFirst).at<cv::Vec4b>(1, 1)[2], (256 + 6) % 251);
	EXPECT_TRUE(cmacam::rgbxView(*blueFirst).empty());

	auto redFirst32 = map(fd.get(), PixelFormat::Rgbx32, 256);
	ASSERT_TRUE(redFirst32);
	EXPECT_EQ(cmacam::rgbxView(*redFirst32).at<cv::Vec4b>(1, 1)[2], (256 + 6) % 251);
	EXPECT_TRUE(cmacam::bgrxView(*redFirst32).empty());
}

TEST(OpenCv, Yuv420)
{
	FakeDmaBufs fake;
	cmacam::UniqueFd fd = FakeDmaBufs::create(64 * 60);

	auto padded = map(fd.get(), PixelFormat::Yuv420, 64);
	ASSERT_TRUE(padded);
	const cmacam::Yuv420Mats planes = cmacam::yuv420(*padded);
	EXPECT_EQ(planes.luma.size(), cv::Size(60, 40));
	EXPECT_EQ(planes.cb.size(), cv::Size(30, 20));
	EXPECT_EQ(planes.cb.step[0], 32U);
	EXPECT_EQ(planes.cr.at<uchar>(1, 2), (64 * 40 + 32 * 20 + 32 + 2) % 251);
	EXPECT_TRUE(cmacam::i420(*padded).empty()) << "OpenCV knows no padding between planes";

	auto packed = map(fd.get(), PixelFormat::Yuv420, 60);
	ASSERT_TRUE(packed);
	const cv::Mat all = cmacam::i420(*packed);
	EXPECT_EQ(all.size(), cv::Size(60, 60));
	EXPECT_EQ(all.at<uchar>(59, 59), (60 * 60 - 1) % 251);
	EXPECT_TRUE(cmacam::i420(*packed->roi({0, 0, 60, 20})).empty());
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
