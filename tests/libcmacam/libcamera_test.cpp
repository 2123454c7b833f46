/* SPDX-License-Identifier: MIT */
/*
 * libcamera's description of a buffer becomes a frame layout.
 */

#include <cerrno>
#include <gtest/gtest.h>
#include <libcamera/formats.h>
#include <sys/mman.h>

#include <cmacam/libcamera.h>

using cmacam::layoutOf;

namespace {

libcamera::StreamConfiguration nv12()
{
	libcamera::StreamConfiguration config;
	config.pixelFormat = libcamera::formats::NV12;
	config.size = {640, 480};
	config.stride = 640;
	return config;
}

std::vector<libcamera::FrameBuffer::Plane> planes(unsigned int count)
{
	libcamera::SharedFD fd(memfd_create("frame", MFD_CLOEXEC));
	std::vector<libcamera::FrameBuffer::Plane> result;
	unsigned int offset = 0;
	for (unsigned int i = 0; i < count; i++) {
		libcamera::FrameBuffer::Plane plane;
		plane.fd = fd;
		plane.offset = offset;
		plane.length = 640 * 480 / (i + 1);
		offset += plane.length;
		result.push_back(plane);
	}
	return result;
}

} /* namespace */

TEST(LibcameraLayout, TakesOffsetsFromTheBuffer)
{
	libcamera::FrameBuffer buffer(planes(2));
	auto layout = layoutOf(nv12(), buffer);
	ASSERT_TRUE(layout);
	EXPECT_EQ(layout->planes[1].fd, buffer.planes()[1].fd.get());
	EXPECT_EQ(layout->planes[1].offset, 640U * 480);
	EXPECT_EQ(layout->planes[1].length, 640U * 240);
	EXPECT_EQ(layout->planes[1].stride, 640U);
}

TEST(LibcameraLayout, TooFewPlanes)
{
	libcamera::FrameBuffer buffer(planes(1));
	EXPECT_EQ(layoutOf(nv12(), buffer).error().code, EINVAL);
}

TEST(LibcameraLayout, UnknownFormat)
{
	libcamera::StreamConfiguration config = nv12();
	config.pixelFormat = libcamera::formats::MJPEG;
	libcamera::FrameBuffer buffer(planes(1));

	auto layout = layoutOf(config, buffer);
	ASSERT_FALSE(layout);
	EXPECT_NE(layout.error().what.find("MJPEG"), std::string::npos);
}

TEST(LibcameraFormats, TheTableHasItsNames)
{
	for (const cmacam::FormatInfo &row : cmacam::formats()) {
		const auto format = libcamera::PixelFormat::fromString(row.name);
		EXPECT_EQ(format.fourcc(), row.drm) << row.name;
		EXPECT_EQ(cmacam::pixelFormat(format), row.format) << row.name;
	}
}
