/* SPDX-License-Identifier: MIT */
/*
 * The record of a frame becomes libcamera metadata.
 */

#include <gtest/gtest.h>

#include <libcamera/control_ids.h>
#include <libcamera/geometry.h>

#include "frame_metadata.h"

namespace controls = libcamera::controls;

namespace {

cmacam_frame_meta record()
{
	cmacam_frame_meta r{};
	r.version = CMACAM_META_VERSION;
	r.timestamp = 123456789012345ULL;
	r.realtime = 1789012345678901234ULL;
	r.exposure = 1000;
	r.gain = 640;
	r.pattern = 1;
	r.line_length = 4400;
	r.frame_length = 2250;
	r.pixel_rate = 297000000;
	r.crop_left = 100;
	r.crop_top = 50;
	r.crop_width = 1920;
	r.crop_height = 1080;
	r.red_gain = 512;
	r.blue_gain = 128;
	r.brightness = -64;
	r.contrast = 384;
	r.saturation = 64;
	r.sharpness = 320;
	return r;
}

} /* namespace */

TEST(Metadata, AllFieldsOfTheRecord)
{
	libcamera::ControlList list(controls::controls);
	libcamera::fillFrameMetadata(record(), &list);

	EXPECT_EQ(list.get(controls::SensorTimestamp), 123456789012345LL);
	EXPECT_EQ(list.get(controls::FrameWallClock), 1789012345678901234LL);
	EXPECT_EQ(list.get(controls::ExposureTime), 14815);
	EXPECT_EQ(list.get(controls::FrameDuration), 33333);
	EXPECT_EQ(list.get(controls::AnalogueGain), 2.5f);
	EXPECT_EQ(list.get(controls::draft::TestPatternMode),
		  controls::draft::TestPatternModeColorBars);
	ASSERT_TRUE(list.get(controls::ColourGains));
	EXPECT_EQ((*list.get(controls::ColourGains))[0], 2.0f);
	EXPECT_EQ((*list.get(controls::ColourGains))[1], 0.5f);
	EXPECT_EQ(list.get(controls::ColourTemperature), 10000);
	EXPECT_EQ(list.get(controls::Brightness), -0.5f);
	EXPECT_EQ(list.get(controls::Contrast), 1.5f);
	EXPECT_EQ(list.get(controls::Saturation), 0.25f);
	EXPECT_EQ(list.get(controls::Sharpness), 1.25f);
	EXPECT_EQ(list.get(controls::ScalerCrop), libcamera::Rectangle(100, 50, 1920, 1080));
}

/* A line of 8800 pixels at 5.94 Gpixel/s takes 1.48 us. */
TEST(Metadata, PixelRatesAboveThirtyTwoBits)
{
	cmacam_frame_meta r = record();
	r.pixel_rate = 5940000000;
	r.line_length = 8800;

	libcamera::ControlList list(controls::controls);
	libcamera::fillFrameMetadata(r, &list);
	EXPECT_EQ(list.get(controls::ExposureTime), 1481);
	EXPECT_EQ(list.get(controls::FrameDuration), 3333);
}

TEST(Metadata, NothingIsInvented)
{
	cmacam_frame_meta r = record();
	r.pixel_rate = 0;
	r.pattern = 99;

	libcamera::ControlList list(controls::controls);
	libcamera::fillFrameMetadata(r, &list);

	EXPECT_FALSE(list.get(controls::ExposureTime));
	EXPECT_FALSE(list.get(controls::FrameDuration));
	EXPECT_FALSE(list.get(controls::draft::TestPatternMode));
}
