/* SPDX-License-Identifier: MIT */
/*
 * The sensor model: timing, limits, sampling and light.
 */
#include "engine/sensor.h"

#include <chrono>

#include <cmacam-regs.h>
#include <gtest/gtest.h>

using namespace cmacam::board;
using namespace std::chrono_literals;

namespace {

class SensorTest : public testing::Test
{
protected:
	std::chrono::nanoseconds interval() { return sensor.interval(sensor.sample()); }

	Sensor sensor{3840, 2160};
};

} /* namespace */

TEST_F(SensorTest, RatesFollowFromBlanking)
{
	EXPECT_EQ(interval(), 33333333ns);
	sensor.write(CMACAM_SENSOR_VBLANK, sensor.read(CMACAM_SENSOR_VBLANK_MIN));
	EXPECT_EQ(interval(), 16666666ns);
	EXPECT_EQ(sensor.shortestInterval(), 16666666ns);
	sensor.write(CMACAM_SENSOR_VBLANK, sensor.read(CMACAM_SENSOR_VBLANK_MAX));
	EXPECT_EQ(interval(), 1s);
}

TEST_F(SensorTest, SmallArraysKeepTheRates)
{
	Sensor small(64, 64);
	EXPECT_NEAR(static_cast<double>(small.interval(small.sample()).count()), 1e9 / 30, 10);
}

TEST_F(SensorTest, ValuesAreClamped)
{
	sensor.write(CMACAM_SENSOR_VBLANK, 0);
	EXPECT_EQ(sensor.read(CMACAM_SENSOR_VBLANK), sensor.read(CMACAM_SENSOR_VBLANK_MIN));
	sensor.write(CMACAM_SENSOR_VBLANK, ~0u);
	EXPECT_EQ(sensor.read(CMACAM_SENSOR_VBLANK), sensor.read(CMACAM_SENSOR_VBLANK_MAX));
	sensor.write(CMACAM_SENSOR_GAIN, 0);
	EXPECT_EQ(sensor.read(CMACAM_SENSOR_GAIN), sensor.read(CMACAM_SENSOR_GAIN_MIN));
	sensor.write(CMACAM_SENSOR_GAIN, ~0u);
	EXPECT_EQ(sensor.read(CMACAM_SENSOR_GAIN), sensor.read(CMACAM_SENSOR_GAIN_MAX));
	sensor.write(CMACAM_SENSOR_EXPOSURE, 0);
	EXPECT_EQ(sensor.read(CMACAM_SENSOR_EXPOSURE), sensor.read(CMACAM_SENSOR_EXPOSURE_MIN));
	sensor.write(CMACAM_SENSOR_PATTERN, CMACAM_PATTERN_COUNT);
	EXPECT_EQ(sensor.read(CMACAM_SENSOR_PATTERN), CMACAM_PATTERN_OFF);
	sensor.write(CMACAM_SENSOR_FLIP, ~0u);
	EXPECT_EQ(sensor.read(CMACAM_SENSOR_FLIP), 3u);
	for (uint32_t gain : {CMACAM_ISP_RED_GAIN, CMACAM_ISP_BLUE_GAIN}) {
		sensor.write(gain, 0);
		EXPECT_EQ(sensor.read(gain), 64u);
		sensor.write(gain, ~0u);
		EXPECT_EQ(sensor.read(gain), 2048u);
	}
	sensor.write(CMACAM_ISP_BRIGHTNESS, static_cast<uint32_t>(-1000));
	EXPECT_EQ(sensor.read(CMACAM_ISP_BRIGHTNESS), static_cast<uint32_t>(-128));
	sensor.write(CMACAM_ISP_BRIGHTNESS, 1000);
	EXPECT_EQ(sensor.read(CMACAM_ISP_BRIGHTNESS), 127u);
	for (uint32_t factor : {CMACAM_ISP_CONTRAST, CMACAM_ISP_SATURATION, CMACAM_ISP_SHARPNESS}) {
		sensor.write(factor, ~0u);
		EXPECT_EQ(sensor.read(factor), 1024u);
		sensor.write(factor, 0);
		EXPECT_EQ(sensor.read(factor), 0u);
	}
}

TEST_F(SensorTest, ReadOnlyRegistersStay)
{
	for (uint32_t offset : {CMACAM_SENSOR_ARRAY, CMACAM_SENSOR_PIXEL_RATE, CMACAM_SENSOR_HBLANK,
				CMACAM_SENSOR_GAIN_MAX}) {
		const uint32_t before = sensor.read(offset);
		sensor.write(offset, ~before);
		EXPECT_EQ(sensor.read(offset), before) << std::hex << offset;
	}
}

/* Exposure before blanking or after it: the frame length limits it either way. */
TEST_F(SensorTest, ExposureIsLimitedWhenSampled)
{
	const uint32_t margin = sensor.read(CMACAM_SENSOR_EXPOSURE_MARGIN);

	sensor.write(CMACAM_SENSOR_EXPOSURE, 100000);
	EXPECT_EQ(sensor.sample().exposure, 4500 - margin);
	sensor.write(CMACAM_SENSOR_VBLANK, 7840);
	EXPECT_EQ(sensor.sample().exposure, 10000 - margin);
	EXPECT_EQ(sensor.read(CMACAM_SENSOR_EXPOSURE), 100000u);
}

TEST_F(SensorTest, HoldGroupsWrites)
{
	const SensorValues before = sensor.sample();

	sensor.write(CMACAM_SENSOR_HOLD, 1);
	sensor.write(CMACAM_SENSOR_GAIN, 512);
	sensor.write(CMACAM_SENSOR_EXPOSURE, 100);
	sensor.write(CMACAM_SENSOR_VBLANK, 90);
	sensor.write(CMACAM_SENSOR_FLIP, 1);
	sensor.write(CMACAM_SENSOR_CROP_SIZE, 480u << 16 | 640);
	sensor.write(CMACAM_ISP_RED_GAIN, 300);
	sensor.write(CMACAM_ISP_BLUE_GAIN, 400);
	sensor.write(CMACAM_ISP_BRIGHTNESS, 5);
	sensor.write(CMACAM_ISP_CONTRAST, 500);
	sensor.write(CMACAM_ISP_SATURATION, 600);
	sensor.write(CMACAM_ISP_SHARPNESS, 700);
	EXPECT_EQ(sensor.sample(), before);

	sensor.write(CMACAM_SENSOR_HOLD, 0);
	EXPECT_EQ(sensor.sample().gain, 512u);
	EXPECT_EQ(sensor.sample().exposure, 100u);
	EXPECT_EQ(sensor.sample().frameLength, 2250u);
	EXPECT_EQ(sensor.sample().flip, 1u);
	EXPECT_EQ(sensor.sample().crop, (Rectangle{0, 0, 640, 480}));
	EXPECT_EQ(sensor.sample().adjustments.redGain, 300);
	EXPECT_EQ(sensor.sample().adjustments.blueGain, 400);
	EXPECT_EQ(sensor.sample().adjustments.brightness, 5);
	EXPECT_EQ(sensor.sample().adjustments.contrast, 500);
	EXPECT_EQ(sensor.sample().adjustments.saturation, 600);
	EXPECT_EQ(sensor.sample().adjustments.sharpness, 700);
}

TEST_F(SensorTest, LightIsExposureTimesGain)
{
	EXPECT_EQ(sensor.light(sensor.sample()), 1);
	sensor.write(CMACAM_SENSOR_GAIN, 512);
	EXPECT_EQ(sensor.light(sensor.sample()), 2);
	sensor.write(CMACAM_SENSOR_EXPOSURE, sensor.read(CMACAM_SENSOR_EXPOSURE) / 2);
	EXPECT_EQ(sensor.light(sensor.sample()), 1);
}

/* Position and size are written in any order, so they are kept as they are. */
TEST_F(SensorTest, CropIsFittedWhenSampled)
{
	struct
	{
		uint32_t position, size;
		Rectangle inForce;
	} const cases[] = {
		{0, 0, {0, 0, 3840, 2160}},
		{100u << 16 | 200, 480u << 16 | 640, {200, 100, 640, 480}},
		{101u << 16 | 201, 481u << 16 | 641, {200, 100, 640, 480}},
		{100u << 16 | 200, 640, {200, 0, 640, 2160}},
		{0xffffu << 16 | 0xffff, 480u << 16 | 640, {3200, 1680, 640, 480}},
		{0, 1u << 16 | 1, {0, 0, 16, 16}},
		{0, 0xffffu << 16 | 0xffff, {0, 0, 3840, 2160}},
	};

	for (const auto &each : cases) {
		sensor.write(CMACAM_SENSOR_CROP_POS, each.position);
		sensor.write(CMACAM_SENSOR_CROP_SIZE, each.size);
		EXPECT_EQ(sensor.sample().crop, each.inForce) << std::hex << each.position;
		EXPECT_EQ(sensor.read(CMACAM_SENSOR_CROP_POS), each.position);
		EXPECT_EQ(sensor.read(CMACAM_SENSOR_CROP_SIZE), each.size);
	}
}

TEST_F(SensorTest, ResetBringsDefaultsBack)
{
	sensor.write(CMACAM_SENSOR_HOLD, 1);
	sensor.write(CMACAM_SENSOR_GAIN, 512);
	sensor.reset();
	EXPECT_EQ(sensor.read(CMACAM_SENSOR_HOLD), 0u);
	EXPECT_EQ(sensor.sample().gain, 256u);
}

TEST(SensorSize, OnlyWhatRegistersHold)
{
	EXPECT_TRUE(Sensor::supports(3840, 2160));
	EXPECT_TRUE(Sensor::supports(7680, 4320));
	EXPECT_FALSE(Sensor::supports(3841, 2160));
	EXPECT_FALSE(Sensor::supports(3840, 2161));
	EXPECT_FALSE(Sensor::supports(16, 16));
	EXPECT_FALSE(Sensor::supports(65534, 65534)) << "the pixel rate overflows";
}
