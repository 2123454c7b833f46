/* SPDX-License-Identifier: MIT */
/*
 * Auto exposure on a simulated sensor: it settles, stays, and obeys.
 */

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <libcamera/control_ids.h>

#include "ipa/ipa.h"
#include "simulated_sensor.h"

using cmacam::ipa::Histogram;
using cmacam::ipa::Ipa;
using cmacam::ipa::SensorInfo;
using cmacam::ipa::Settings;
using libcamera::ControlList;
using simulated::Frame;
using simulated::kSettled;
using simulated::Patch;
using simulated::Scene;
using simulated::Sensor;

namespace controls = libcamera::controls;

namespace {

constexpr double kTarget = 110;

/* Stops that the picture may be off when it has settled. */
constexpr double kOff = 0.15;

/*
 * Stops by which a prediction may be off, if a part of the picture is white. At
 * less than -1 stop, the dark parts of a picture lie in a single bin, and the
 * prediction is worse.
 */
constexpr double kPredictedOff = 0.5;

Scene flat()
{
	return {Patch{90, 90, 90}};
}

/* All values from dark to bright. */
Scene gradient()
{
	Scene scene;
	for (double v = 2; v < 240; v += 3)
		scene.push_back({v, v, v});
	return scene;
}

/* A dark room with a window that is white at any sensible exposure. */
Scene window()
{
	Scene scene(10, {40, 40, 40});
	scene.resize(13, {2000, 2000, 2000});
	return scene;
}

struct NamedScene
{
	const char *name;
	Scene (*make)();
};

constexpr NamedScene kScenes[] = {{"flat", flat}, {"gradient", gradient}, {"window", window}};

class Camera
{
public:
	Camera(Scene scene, unsigned int settingsDelay = 1, unsigned int statsDelay = 0,
	       const SensorInfo &info = simulated::info())
		: sensor_(std::move(scene), settingsDelay, statsDelay)
	{
		libcamera::ControlInfoMap::Map map;
		EXPECT_EQ(ipa_.init(info, &map), 0);
	}

	void set(const ControlList &list) { ipa_.queueRequest(request_++, list); }

	/* The frame that was taken, with what is being learnt meanwhile. */
	const Frame &step()
	{
		const Frame old = sensor_.next(ipa_.settings());
		const unsigned int interval = ipa_.statisticsInterval();
		if (interval && ++skipped_ >= interval) {
			skipped_ = 0;
			looks_++;
			ipa_.processStats(old.inForce, old.stats);
		}
		return sensor_.newest();
	}

	double run(unsigned int frames)
	{
		double mean = 0;
		for (unsigned int i = 0; i < frames; i++)
			mean = step().mean;
		return mean;
	}

	void restart() { EXPECT_EQ(ipa_.start(simulated::info()), 0); }
	void release() { ipa_.forget(); }

	void setLight(double stops) { sensor_.setLight({.stops = stops}); }
	const Settings &settings() const { return ipa_.settings(); }
	/* Number of frames whose statistics the algorithms got. */
	unsigned int looks() const { return looks_; }
	double total() const
	{
		return settings().exposure * static_cast<double>(settings().gain) / 256;
	}

	/* Metadata of the last request, or of a request @before it. */
	ControlList metadata(uint32_t before = 0) const
	{
		ControlList list(controls::controls);
		ipa_.fillMetadata(request_ - 1 - before, &list);
		return list;
	}

private:
	Ipa ipa_;
	Sensor sensor_;
	uint32_t request_ = 1;
	unsigned int skipped_ = 0;
	unsigned int looks_ = 0;
};

ControlList list()
{
	return ControlList(controls::controls);
}

double off(double mean)
{
	return std::abs(std::log2(mean / kTarget));
}

} /* namespace */

TEST(Agc, LightStepsSettleWithoutSwinging)
{
	for (const NamedScene &scene : kScenes) {
		for (unsigned int seed = 0; seed < 100; seed++) {
			SCOPED_TRACE(std::string(scene.name) + " " + std::to_string(seed));
			std::mt19937 random(seed);
			auto pick = [&random](double min, double max) {
				return std::uniform_real_distribution<double>(min, max)(random);
			};

			Camera camera(scene.make(), 1 + seed % 2, seed / 2 % 2);
			double light = pick(-2, 2);
			camera.setLight(light);
			camera.run(20);

			for (unsigned int step = 0; step < 4; step++) {
				/* By up to 4 stops, within what the sensor can make up for. */
				const double to = std::clamp(light + pick(-4, 4), -3.0, 6.0);
				light = to;
				camera.setLight(light);

				const double settled = camera.run(kSettled);
				ASSERT_LT(off(settled), kOff) << "light " << light;

				const Settings before = camera.settings();
				for (unsigned int i = 0; i < 20; i++) {
					camera.step();
					ASSERT_EQ(camera.settings(), before) << i;
				}
			}
		}
	}
}

TEST(Agc, NeverCrossesTheTargetTwice)
{
	for (const NamedScene &scene : kScenes) {
		for (double light = -4; light <= 4; light += 0.25) {
			SCOPED_TRACE(std::string(scene.name) + " " + std::to_string(light));
			Camera camera(scene.make(), 2, 1);
			camera.run(20);
			camera.setLight(light);

			unsigned int crossings = 0;
			int side = 0;
			for (unsigned int i = 0; i < 30; i++) {
				const double mean = camera.step().mean;
				const int now = off(mean) < kOff ? 0 : mean > kTarget ? 1 : -1;
				crossings += now && side && now != side;
				side = now ? now : side;
			}
			EXPECT_LE(crossings, 1U);
		}
	}
}

TEST(Agc, FlickerAndNoiseAreLeftAlone)
{
	std::mt19937 random(1);
	Camera camera(gradient());
	camera.run(20);

	const Settings before = camera.settings();
	for (unsigned int i = 0; i < 200; i++) {
		camera.setLight(std::uniform_real_distribution<double>(-0.06, 0.06)(random));
		camera.step();
		ASSERT_EQ(camera.settings(), before) << i;
	}
}

/*
 * Lamps of 100 Hz with 10 % of flicker, from any phase on, either from the start or later. At
 * these rates, the flicker has a cycle of three frames.
 */
TEST(Agc, FlickerOfLampsLeavesTheExposureConstant)
{
	constexpr double kHertz = 100;
	constexpr double kDepth = 0.1;

	for (const NamedScene &scene : kScenes) {
		for (double fps : {15.0, 29.97, 30.0, 60.0}) {
			for (double phase = 0; phase < 1; phase += 0.125) {
				for (bool later : {false, true}) {
					SCOPED_TRACE(std::string(scene.name) + " " +
						     std::to_string(fps) + " " +
						     std::to_string(phase) +
						     (later ? " later" : ""));
					Camera camera(scene.make());
					camera.run(later ? 20 : 0);

					Settings settled = camera.settings();
					for (unsigned int i = 0; i < 240; i++) {
						const double turns = kHertz * i / fps + phase;
						camera.setLight(std::log2(
							1 + kDepth * std::sin(2 * M_PI * turns)));
						camera.step();
						if (!later && i < 40)
							settled = camera.settings();
						ASSERT_EQ(camera.settings(), settled) << i;
					}
				}
			}
		}
	}
}

TEST(Agc, RampsAreFollowedInSmallSteps)
{
	constexpr double kSlope = 1.0 / 60; /* stops for each frame */

	for (const NamedScene &scene : kScenes) {
		for (unsigned int delays = 0; delays < 4; delays++) {
			for (unsigned int wait = 20; wait < 24; wait++) {
				for (double slope : {kSlope, -kSlope}) {
					SCOPED_TRACE(std::string(scene.name) + " " +
						     std::to_string(delays) + " " +
						     std::to_string(wait) + " " +
						     std::to_string(slope));
					Camera camera(scene.make(), 1 + delays % 2, delays / 2);
					const double before = camera.run(wait);
					double total = camera.total();
					double worst = 0;
					double light = 0;
					for (unsigned int i = 0; i < 180; i++) {
						/* Up or down by two stops, then steady. */
						light += i < 120 ? slope : 0;
						camera.setLight(light);
						const double mean = camera.step().mean;
						worst = std::max(
							worst, std::abs(std::log2(mean / before)));
						ASSERT_LT(
							std::abs(std::log2(camera.total() / total)),
							0.1)
							<< i;
						total = camera.total();
					}
					EXPECT_LT(worst, 0.2);
				}
			}
		}
	}
}

TEST(Agc, AFlashChangesNothing)
{
	for (double flash : {-6.0, -1.0, 1.0, 6.0}) {
		Camera camera(gradient());
		camera.run(20);
		const Settings before = camera.settings();
		for (unsigned int i = 0; i < 40; i++) {
			camera.setLight(i % 10 == 9 ? flash : 0);
			camera.step();
			ASSERT_EQ(camera.settings(), before) << flash << " " << i;
		}
	}
}

TEST(Agc, ASettledCameraLooksAtEveryFourthFrame)
{
	Camera camera(gradient());
	camera.run(20);
	unsigned int looks = camera.looks();
	camera.run(40);
	EXPECT_EQ(camera.looks() - looks, 10U);

	/* One that searches looks at every frame. */
	camera.setLight(-3);
	camera.run(4);
	looks = camera.looks();
	camera.step();
	EXPECT_EQ(camera.looks() - looks, 1U);

	/* With everything manual, it looks at none. */
	ControlList request = list();
	request.set(controls::ExposureTimeMode, controls::ExposureTimeModeManual);
	request.set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);
	request.set(controls::AwbEnable, false);
	camera.set(request);
	looks = camera.looks();
	camera.run(10);
	EXPECT_EQ(camera.looks(), looks);
}

TEST(Agc, ExposureComesBeforeGain)
{
	Camera camera(flat());
	camera.run(20);
	EXPECT_EQ(camera.settings().gain, 256U + camera.settings().gain % 256);
	EXPECT_LT(camera.settings().gain, 270U);

	/* The frame has room for 4492 lines; the rest is gain. */
	camera.setLight(-3);
	camera.run(kSettled);
	EXPECT_EQ(camera.settings().exposure, 4492U);
	EXPECT_EQ(camera.settings().frame, 4500U);
	EXPECT_GT(camera.settings().gain, 1024U);
}

TEST(Agc, DarknessTakesAllTheGainAndNoMore)
{
	Camera camera({Patch{0, 0, 0}});
	camera.run(30);
	EXPECT_EQ(camera.settings().exposure, 4492U);
	EXPECT_EQ(camera.settings().gain, 4096U);
	camera.set(list());
	EXPECT_EQ(camera.metadata().get(controls::AeState), controls::AeStateConverged);
}

/* A frame that was taken while the algorithm searched says so, however late it completes. */
TEST(Agc, TheStateIsThatOfTheFrame)
{
	Camera camera(flat());
	camera.setLight(-2);
	camera.set(list());
	camera.run(kSettled);
	camera.set(list());
	EXPECT_EQ(camera.metadata(1).get(controls::AeState), controls::AeStateSearching);
	EXPECT_EQ(camera.metadata().get(controls::AeState), controls::AeStateConverged);
}

TEST(Agc, FrameDurationLimitsBoundTheExposure)
{
	Camera camera(flat());
	camera.setLight(-3);
	ControlList request = list();
	const std::array<int64_t, 2> sixty{16666, 16666};
	request.set(controls::FrameDurationLimits, sixty);
	camera.set(request);
	camera.run(kSettled);
	EXPECT_EQ(camera.settings().frame, 2250U);
	EXPECT_EQ(camera.settings().exposure, 2242U);
	EXPECT_GT(camera.settings().gain, 2048U);
}

TEST(Agc, ExposureModes)
{
	Camera camera(flat());
	camera.setLight(-2);
	camera.run(kSettled);
	const double total = camera.total();
	const Settings normal = camera.settings();

	ControlList request = list();
	request.set(controls::AeExposureMode, controls::ExposureShort);
	camera.set(request);
	EXPECT_EQ(camera.settings().exposure, 4492U / 4);
	EXPECT_NEAR(camera.total(), total, total / 100);
	EXPECT_EQ(camera.settings().frame, normal.frame);

	request.set(controls::AeExposureMode, controls::ExposureLong);
	camera.set(request);
	EXPECT_GT(camera.settings().exposure, normal.exposure);
	EXPECT_GT(camera.settings().frame, normal.frame);
	EXPECT_LT(camera.settings().gain, 270U);
	EXPECT_NEAR(camera.total(), total, total / 100);
	EXPECT_EQ(camera.metadata().get(controls::AeExposureMode), controls::ExposureLong);
}

ControlList mains(int32_t period)
{
	ControlList request = list();
	request.set(controls::AeFlickerMode, controls::FlickerManual);
	request.set(controls::AeFlickerPeriod, period);
	return request;
}

TEST(Agc, ExposuresAreWholePeriodsOfTheLight)
{
	/* In lines of the sensor: 10 ms, and 1/120 s, which libcamera calls 8333 us. */
	for (const auto &[period, lines] : {std::pair(10000, 1350U), std::pair(8333, 1125U)}) {
		for (double light : {-4.0, -1.0, 0.0, 0.5}) {
			Camera camera(gradient());
			camera.setLight(light);
			camera.run(kSettled);
			const double total = camera.total();

			camera.set(mains(period));
			EXPECT_LT(off(camera.run(kSettled)), kOff) << light;
			EXPECT_EQ(camera.settings().exposure % lines, 0U) << period << " " << light;
			EXPECT_GE(camera.settings().exposure, lines);
			EXPECT_NEAR(camera.total(), total, total / 20) << light;
			EXPECT_EQ(camera.metadata().get(controls::AeFlickerMode),
				  controls::FlickerManual);
			EXPECT_EQ(camera.metadata().get(controls::AeFlickerPeriod), period);

			const uint32_t whole = camera.settings().exposure;
			ControlList request = list();
			request.set(controls::AeFlickerMode, controls::FlickerOff);
			camera.set(request);
			EXPECT_NEAR(camera.total(), total, total / 20) << light;
			EXPECT_GE(camera.settings().exposure, whole);
			EXPECT_LT(camera.settings().exposure, whole + lines);
		}
	}
}

TEST(Agc, BrightnessComesBeforeFlicker)
{
	/* Less than a period. */
	Camera bright(flat());
	bright.setLight(3);
	bright.set(mains(10000));
	EXPECT_LT(off(bright.run(kSettled)), kOff);
	EXPECT_LT(bright.settings().exposure, 1350U);

	/* More than whole periods and the largest gain give: all that the frame has. */
	Camera dark(flat());
	dark.setLight(-8);
	dark.set(mains(10000));
	dark.run(kSettled);
	EXPECT_EQ(dark.settings().exposure, 4492U);
	EXPECT_EQ(dark.settings().gain, 4096U);

	/* A gain that the application sets. */
	Camera manual(flat());
	ControlList request = mains(10000);
	request.set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);
	request.set(controls::AnalogueGain, 1.0f);
	manual.set(request);
	EXPECT_LT(off(manual.run(kSettled)), kOff);
}

TEST(Agc, AFlickerModeWithoutAPeriodDoesNothing)
{
	Camera camera(flat());
	camera.setLight(-1);
	camera.run(kSettled);
	const Settings before = camera.settings();

	ControlList request = list();
	request.set(controls::AeFlickerMode, controls::FlickerManual);
	camera.set(request);
	EXPECT_EQ(camera.settings(), before);
	EXPECT_FALSE(camera.metadata().get(controls::AeFlickerPeriod));

	request.set(controls::AeFlickerMode, controls::FlickerAuto);
	camera.set(request);
	EXPECT_EQ(camera.metadata().get(controls::AeFlickerMode), controls::FlickerManual)
		<< "a mode that the camera does not have";
}

TEST(Agc, ExposureValueIsInStops)
{
	for (float ev : {-3.0f, -2.0f, -1.0f, -0.5f, 0.5f, 0.9f}) {
		Camera camera(flat());
		const double mean = camera.run(kSettled);

		ControlList request = list();
		request.set(controls::ExposureValue, ev);
		camera.set(request);
		EXPECT_NEAR(std::log2(camera.run(kSettled) / mean), ev, 2 * kOff) << ev;
		EXPECT_EQ(camera.metadata().get(controls::ExposureValue), ev);
	}
}

TEST(Agc, ManualValuesAreTaken)
{
	Camera camera(flat());
	camera.run(kSettled);

	ControlList request = list();
	request.set(controls::ExposureTimeMode, controls::ExposureTimeModeManual);
	request.set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);
	request.set(controls::ExposureTime, 10000);
	request.set(controls::AnalogueGain, 2.5f);
	camera.set(request);
	EXPECT_EQ(camera.settings().exposure, 1350U);
	EXPECT_EQ(camera.settings().gain, 640U);

	camera.setLight(-3);
	camera.run(kSettled);
	EXPECT_EQ(camera.settings().exposure, 1350U);
	EXPECT_EQ(camera.settings().gain, 640U);
	EXPECT_EQ(camera.metadata().get(controls::AeState), controls::AeStateIdle);
}

TEST(Agc, ValuesSetInAutoModeAreIgnored)
{
	Camera camera(flat());
	camera.run(kSettled);
	const Settings before = camera.settings();

	ControlList request = list();
	request.set(controls::ExposureTime, 1000);
	request.set(controls::AnalogueGain, 8.0f);
	camera.set(request);
	EXPECT_EQ(camera.settings(), before);

	/* Nor are they kept for later. */
	request = list();
	request.set(controls::ExposureTimeMode, controls::ExposureTimeModeManual);
	request.set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);
	camera.set(request);
	EXPECT_EQ(camera.settings(), before);
}

TEST(Agc, OneManualTheOtherAuto)
{
	Camera gain(flat());
	ControlList request = list();
	request.set(controls::ExposureTimeMode, controls::ExposureTimeModeManual);
	request.set(controls::ExposureTime, 2000);
	gain.set(request);
	EXPECT_LT(off(gain.run(kSettled)), kOff);
	EXPECT_EQ(gain.settings().exposure, 270U);

	Camera exposure(flat());
	request = list();
	request.set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);
	request.set(controls::AnalogueGain, 4.0f);
	exposure.set(request);
	EXPECT_LT(off(exposure.run(kSettled)), kOff);
	EXPECT_EQ(exposure.settings().gain, 1024U);
}

TEST(Agc, ReturnsToAutoFromWhereItWas)
{
	Camera camera(flat());
	ControlList request = list();
	request.set(controls::ExposureTimeMode, controls::ExposureTimeModeManual);
	request.set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);
	request.set(controls::ExposureTime, 5000);
	camera.set(request);
	camera.run(5);
	const double manual = camera.total();

	request = list();
	request.set(controls::ExposureTimeMode, controls::ExposureTimeModeAuto);
	request.set(controls::AnalogueGainMode, controls::AnalogueGainModeAuto);
	camera.set(request);
	EXPECT_NEAR(camera.total(), manual, manual / 100);
	EXPECT_LT(off(camera.run(kSettled)), kOff);
}

TEST(Agc, WhatWasFoundSurvivesARestart)
{
	for (const NamedScene &scene : kScenes) {
		SCOPED_TRACE(scene.name);
		Camera camera(scene.make());
		const Settings fresh = camera.settings();
		camera.setLight(-2);
		camera.run(kSettled);
		const Settings found = camera.settings();

		camera.restart();
		EXPECT_EQ(camera.settings(), found);
		for (unsigned int i = 0; i < 20; i++) {
			camera.step();
			ASSERT_EQ(camera.settings(), found) << i;
		}

		camera.release();
		camera.restart();
		EXPECT_EQ(camera.settings(), fresh);
	}
}

TEST(Agc, ControlsDoNotSurviveARestart)
{
	Camera camera(flat());
	camera.setLight(-2);
	camera.run(kSettled);
	const double found = camera.total();

	ControlList request = list();
	request.set(controls::AeExposureMode, controls::ExposureShort);
	request.set(controls::ExposureTimeMode, controls::ExposureTimeModeManual);
	request.set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);
	request.set(controls::ExposureTime, 1000);
	request.set(controls::AnalogueGain, 1.0f);
	camera.set(request);
	camera.run(kSettled);

	/* Automatic again, from what had been found before. */
	camera.restart();
	EXPECT_NEAR(camera.total(), found, found / 100);
	camera.set(list());
	EXPECT_EQ(camera.metadata().get(controls::ExposureTimeMode),
		  controls::ExposureTimeModeAuto);
	EXPECT_EQ(camera.metadata().get(controls::AeExposureMode), controls::ExposureNormal);
	EXPECT_EQ(camera.metadata().get(controls::AeState), controls::AeStateSearching);
	EXPECT_LT(off(camera.run(kSettled)), kOff);
}

/* The controls of a start come before its first statistics. */
TEST(Agc, WhatWasFoundSurvivesARestartWithControls)
{
	ControlList bright = list();
	bright.set(controls::ExposureValue, 0.5f);
	ControlList exposure = list();
	exposure.set(controls::ExposureTimeMode, controls::ExposureTimeModeManual);
	exposure.set(controls::ExposureTime, 5000);
	ControlList gain = list();
	gain.set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);
	gain.set(controls::AnalogueGain, 2.0f);

	const std::pair<const char *, ControlList> kinds[] = {
		{"exposure value", bright}, {"manual exposure", exposure}, {"manual gain", gain}};
	for (const auto &[name, request] : kinds) {
		SCOPED_TRACE(name);
		Camera camera(flat());
		camera.setLight(-2);
		camera.set(request);
		camera.run(kSettled);
		const Settings found = camera.settings();

		camera.restart();
		camera.set(request);
		EXPECT_EQ(camera.settings(), found);
		EXPECT_EQ(camera.metadata().get(controls::AeState), controls::AeStateConverged);
		for (unsigned int i = 0; i < 20; i++) {
			camera.step();
			ASSERT_EQ(camera.settings(), found) << i;
		}
	}
}

TEST(Agc, ARestartKnowsTheExposureValueOfWhatWasFound)
{
	for (const NamedScene &scene : kScenes) {
		for (float ev : {-1.0f, 0.5f, 1.0f, 2.0f, 3.0f}) {
			SCOPED_TRACE(std::string(scene.name) + " " + std::to_string(ev));
			ControlList request = list();
			request.set(controls::ExposureValue, ev);

			Camera camera(scene.make());
			camera.run(kSettled);
			const double plain = camera.total();
			camera.set(request);
			camera.run(kSettled);

			camera.restart();
			EXPECT_LT(std::abs(std::log2(camera.total() / plain)), kPredictedOff);
			camera.set(list());
			EXPECT_EQ(camera.metadata().get(controls::AeState),
				  controls::AeStateSearching);
		}
	}
}

/* What the sensor could not reach with one exposure value says nothing of another one. */
TEST(Agc, ARestartAtTheEndOfTheRange)
{
	for (const auto &[light, ev] : {std::pair(-9.0, 2.0f), std::pair(14.0, -3.0f)}) {
		SCOPED_TRACE(light);
		ControlList request = list();
		request.set(controls::ExposureValue, ev);

		Camera camera(flat());
		camera.setLight(light);
		camera.run(2 * kSettled);
		const Settings found = camera.settings();
		camera.set(request);
		camera.run(2 * kSettled);
		camera.restart();
		EXPECT_EQ(camera.settings(), found);
	}
}

TEST(Agc, AnExposureValueThatIsNoNumberIsIgnored)
{
	Camera camera(flat());
	camera.run(kSettled);
	const Settings found = camera.settings();

	ControlList request = list();
	request.set(controls::ExposureValue, std::numeric_limits<float>::quiet_NaN());
	camera.set(request);
	EXPECT_EQ(camera.settings(), found);
	camera.restart();
	camera.set(request);
	EXPECT_EQ(camera.settings(), found);
	EXPECT_EQ(camera.metadata().get(controls::ExposureValue), 0.0f);
}

/* As within a session: what the algorithm has found is the manual value. */
TEST(Agc, SwitchedOffAtARestartItKeepsWhatWasFound)
{
	Camera camera(flat());
	camera.setLight(-2);
	camera.run(kSettled);
	const Settings found = camera.settings();

	ControlList request = list();
	request.set(controls::ExposureTimeMode, controls::ExposureTimeModeManual);
	request.set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);
	camera.restart();
	camera.set(request);
	EXPECT_EQ(camera.settings(), found);

	camera.release();
	camera.restart();
	camera.set(request);
	EXPECT_EQ(camera.settings().exposure, simulated::info().defaultExposure);
	EXPECT_EQ(camera.settings().gain, simulated::info().gain.def);
}

TEST(Agc, ManualValuesAreNotTakenForWhatWasFound)
{
	Camera camera(flat());
	const Settings fresh = camera.settings();
	ControlList request = list();
	request.set(controls::ExposureTimeMode, controls::ExposureTimeModeManual);
	request.set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);
	request.set(controls::ExposureTime, 1000);
	camera.set(request);
	camera.run(kSettled);

	request.set(controls::ExposureTimeMode, controls::ExposureTimeModeAuto);
	request.set(controls::AnalogueGainMode, controls::AnalogueGainModeAuto);
	camera.set(request);
	camera.restart();
	EXPECT_EQ(camera.settings(), fresh);
}

TEST(Agc, WithoutStatisticsEverythingIsManual)
{
	SensorInfo info = simulated::info();
	info.statistics = false;

	Ipa ipa;
	libcamera::ControlInfoMap::Map map;
	ASSERT_EQ(ipa.init(info, &map), 0);
	EXPECT_EQ(map.count(&controls::AeEnable), 0U);
	EXPECT_EQ(map.at(&controls::ExposureTimeMode).values().size(), 1U);
	EXPECT_EQ(ipa.statisticsInterval(), 0U);

	ControlList request = list();
	request.set(controls::ExposureTimeMode, controls::ExposureTimeModeAuto);
	request.set(controls::ExposureTime, 10000);
	EXPECT_EQ(ipa.queueRequest(1, request).exposure, 1350U);
}

TEST(Histogram, PredictsLongerExposures)
{
	Sensor sensor(gradient(), 0, 0);
	Settings settings{.frame = 4500, .exposure = 500};
	const Histogram histogram(sensor.next(settings).stats);
	settings.exposure = 1500;
	EXPECT_NEAR(histogram.meanAt(3), sensor.next(settings).mean, 3);
	EXPECT_NEAR(histogram.meanAt(histogram.ratioTo(kTarget)), kTarget, 1);
}

TEST(Histogram, NothingIsLearntFromNothing)
{
	const Histogram empty{cmacam_stats{}};
	EXPECT_TRUE(empty.isEmpty());
	EXPECT_EQ(empty.ratioTo(kTarget), 1);
}
