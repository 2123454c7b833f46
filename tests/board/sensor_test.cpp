/* SPDX-License-Identifier: MIT */
/*
 * The sensor model: timing, limits, sampling and light.
 */
#include "engine/sensor.h"

#include <chrono>

#include <cmacam-regs.h>
#include <gtest/gtest.h>

using namespace cmacam;
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
	EXPECT_EQ(sensor.sample().gain, before.gain);
	EXPECT_EQ(sensor.sample().exposure, before.exposure);
	EXPECT_EQ(sensor.sample().frameLength, before.frameLength);

	sensor.write(CMACAM_SENSOR_HOLD, 0);
	EXPECT_EQ(sensor.sample().gain, 512u);
	EXPECT_EQ(sensor.sample().exposure, 100u);
	EXPECT_EQ(sensor.sample().frameLength, 2250u);
}

TEST_F(SensorTest, LightIsExposureTimesGain)
{
	EXPECT_EQ(sensor.brightness(sensor.sample()), 256u);
	sensor.write(CMACAM_SENSOR_GAIN, 512);
	EXPECT_EQ(sensor.brightness(sensor.sample()), 512u);
	sensor.write(CMACAM_SENSOR_EXPOSURE, sensor.read(CMACAM_SENSOR_EXPOSURE) / 2);
	EXPECT_EQ(sensor.brightness(sensor.sample()), 256u);
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
