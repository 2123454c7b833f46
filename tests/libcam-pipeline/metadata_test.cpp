/* SPDX-License-Identifier: MIT */
/*
 * The record of a frame becomes libcamera metadata.
 */

#include <gtest/gtest.h>

#include <libcamera/control_ids.h>

#include "sensor_controls.h"

namespace controls = libcamera::controls;

namespace {

cmacam_frame_meta record()
{
	cmacam_frame_meta r{};
	r.size = sizeof(r);
	r.timestamp = 123456789012345ULL;
	r.exposure = 1000;
	r.gain = 640;
	r.pattern = 1;
	r.line_length = 4400;
	r.frame_length = 2250;
	r.pixel_rate = 297000000;
	return r;
}

} /* namespace */

TEST(Metadata, AllFieldsOfTheRecord)
{
	libcamera::ControlList list(controls::controls);
	libcamera::CmacamSensorControls::fillMetadata(record(), &list);

	EXPECT_EQ(list.get(controls::SensorTimestamp), 123456789012345LL);
	EXPECT_EQ(list.get(controls::ExposureTime), 14815);
	EXPECT_EQ(list.get(controls::FrameDuration), 33333);
	EXPECT_EQ(list.get(controls::AnalogueGain), 2.5f);
	EXPECT_EQ(list.get(controls::draft::TestPatternMode),
		  controls::draft::TestPatternModeColorBars);
}

TEST(Metadata, NothingIsInvented)
{
	cmacam_frame_meta r = record();
	r.pixel_rate = 0;
	r.pattern = 99;

	libcamera::ControlList list(controls::controls);
	libcamera::CmacamSensorControls::fillMetadata(r, &list);

	EXPECT_FALSE(list.get(controls::ExposureTime));
	EXPECT_FALSE(list.get(controls::FrameDuration));
	EXPECT_FALSE(list.get(controls::draft::TestPatternMode));
}
