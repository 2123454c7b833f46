/* SPDX-License-Identifier: MIT */
/*
 * Auto white balance on a simulated sensor.
 */

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include <libcamera/control_ids.h>

#include "ipa/ipa.h"
#include "simulated_sensor.h"

using cmacam::ipa::gainsOfTemperature;
using cmacam::ipa::Ipa;
using cmacam::ipa::Settings;
using cmacam::ipa::temperatureOfGains;
using libcamera::ControlList;
using simulated::kSettled;
using simulated::Scene;
using simulated::Sensor;

namespace controls = libcamera::controls;

namespace {

/* Colours that are grey on average. */
Scene colours()
{
	return {{120, 90, 80}, {80, 110, 90}, {90, 100, 120}, {110, 100, 110}};
}

class AwbTest : public testing::Test
{
protected:
	AwbTest()
	{
		libcamera::ControlInfoMap::Map map;
		EXPECT_EQ(ipa.init(simulated::info(), &map), 0);
	}

	void run(Sensor &sensor, unsigned int frames)
	{
		for (unsigned int i = 0; i < frames; i++) {
			const simulated::Frame frame = sensor.next(ipa.settings());
			ipa.processStats(frame.inForce, frame.stats);
		}
	}

	int32_t temperature() const
	{
		const Settings &s = ipa.settings();
		return temperatureOfGains({s.redGain / 256.0, s.blueGain / 256.0});
	}

	void set(const ControlList &list) { ipa.queueRequest(request++, list); }

	Ipa ipa;
	uint32_t request = 0;
};

} /* namespace */

TEST_F(AwbTest, FindsTheLight)
{
	std::mt19937 random(1);
	Sensor sensor(colours(), 1, 1);
	for (unsigned int i = 0; i < 50; i++) {
		const double kelvin = std::uniform_real_distribution<double>(3000, 9000)(random);
		sensor.setLight({.kelvin = kelvin});
		run(sensor, kSettled);
		ASSERT_NEAR(temperature(), kelvin, kelvin / 25);

		const Settings before = ipa.settings();
		run(sensor, 20);
		ASSERT_EQ(ipa.settings(), before) << kelvin;
	}
}

TEST_F(AwbTest, WhatWasFoundSurvivesARestart)
{
	Sensor sensor(colours(), 1, 1);
	sensor.setLight({.kelvin = 4000});
	run(sensor, kSettled);
	const Settings found = ipa.settings();
	ASSERT_NEAR(temperature(), 4000, 160);

	/* Manual gains are the application's; they go with its session. */
	ControlList list(controls::controls);
	list.set(controls::AwbEnable, false);
	list.set(controls::ColourTemperature, 8000);
	set(list);
	ASSERT_EQ(ipa.start(simulated::info()), 0);
	EXPECT_EQ(ipa.settings().redGain, found.redGain);
	EXPECT_EQ(ipa.settings().blueGain, found.blueGain);

	/* Switched off without values: what was found is the manual value, as within a session. */
	ControlList off(controls::controls);
	off.set(controls::AwbEnable, false);
	set(off);
	EXPECT_EQ(ipa.settings().redGain, found.redGain);
	EXPECT_EQ(ipa.settings().blueGain, found.blueGain);

	ipa.forget();
	ASSERT_EQ(ipa.start(simulated::info()), 0);
	EXPECT_EQ(temperature(), 5500);
}

TEST_F(AwbTest, SaturatedZonesAreLeftOut)
{
	/* Half of the picture is a lamp of another colour, much too bright. */
	Scene scene = colours();
	scene.resize(8, {4000, 1000, 500});
	Sensor sensor(scene, 1, 0);
	sensor.setLight({.kelvin = 4000});
	run(sensor, kSettled);
	EXPECT_NEAR(temperature(), 4000, 200);
}

TEST_F(AwbTest, AllSaturatedChangesNothing)
{
	ControlList manual(controls::controls);
	manual.set(controls::ExposureTimeMode, controls::ExposureTimeModeManual);
	manual.set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);
	set(manual);

	Sensor sensor({{4000, 1000, 500}}, 1, 0);
	run(sensor, kSettled);
	EXPECT_EQ(ipa.settings().redGain, 256U);
	EXPECT_EQ(ipa.settings().blueGain, 256U);
}

TEST_F(AwbTest, ManualGainsStay)
{
	ControlList list(controls::controls);
	const float gains[] = {2.0f, 0.5f};
	list.set(controls::AwbEnable, false);
	list.set(controls::ColourGains, gains);
	set(list);

	Sensor sensor(colours(), 1, 0);
	run(sensor, kSettled);
	EXPECT_EQ(ipa.settings().redGain, 512U);
	EXPECT_EQ(ipa.settings().blueGain, 128U);

	ControlList metadata(controls::controls);
	ipa.fillMetadata(request - 1, &metadata);
	EXPECT_EQ(metadata.get(controls::AwbEnable), false);
	EXPECT_FALSE(metadata.get(controls::AwbLocked));
}

TEST_F(AwbTest, ManualTemperature)
{
	ControlList list(controls::controls);
	list.set(controls::AwbEnable, false);
	list.set(controls::ColourTemperature, 2750);
	set(list);
	EXPECT_EQ(ipa.settings().redGain, 128U);
	EXPECT_EQ(ipa.settings().blueGain, 512U);
	EXPECT_EQ(temperature(), 2750);
}

TEST_F(AwbTest, ManualValuesAreIgnoredWhileItIsOn)
{
	ControlList list(controls::controls);
	list.set(controls::ColourTemperature, 2750);
	set(list);
	EXPECT_EQ(ipa.settings().redGain, 256U);
}

TEST_F(AwbTest, NoNumberOfAnApplicationGetsOutOfRange)
{
	ControlList list(controls::controls);
	list.set(controls::AwbEnable, false);
	for (float gain : {-1.0f, 0.0f, 1e30f, std::numeric_limits<float>::quiet_NaN()}) {
		const float gains[] = {gain, gain};
		list.set(controls::ColourGains, gains);
		set(list);
		EXPECT_GE(ipa.settings().redGain, 64U) << gain;
		EXPECT_LE(ipa.settings().redGain, 2048U) << gain;
	}
}

TEST(ColourTemperature, GainsAndBack)
{
	for (int kelvin = 2000; kelvin <= 10000; kelvin += 100)
		EXPECT_EQ(temperatureOfGains(gainsOfTemperature(kelvin)), kelvin);
}
