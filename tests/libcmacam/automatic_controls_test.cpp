/* SPDX-License-Identifier: MIT */
/*
 * AutomaticControls: which controls a camera ignores.
 */
#include "automatic_controls.h"

#include <array>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>
#include <libcamera/control_ids.h>

namespace cmacam {
namespace {

namespace controls = libcamera::controls;

class AutomaticControlsTest : public testing::Test
{
protected:
	static libcamera::ControlList list() { return libcamera::ControlList(controls::controls); }

	static libcamera::ControlList exposure()
	{
		libcamera::ControlList set = list();
		set.set(controls::ExposureTime, 10000);
		return set;
	}

	const libcamera::ControlInfoMap known_{
		{
			{&controls::AeEnable, libcamera::ControlInfo(false, true, true)},
			{&controls::AwbEnable, libcamera::ControlInfo(false, true, true)},
			{&controls::ExposureTime, libcamera::ControlInfo(1, 100000, 10000)},
			{&controls::AnalogueGain, libcamera::ControlInfo(1.0F, 16.0F, 1.0F)},
		},
		controls::controls};
	AutomaticControls automatic_{known_};
};

TEST_F(AutomaticControlsTest, AnExposureIsIgnoredByDefault)
{
	EXPECT_EQ(automatic_.follow(exposure()),
		  "ExposureTime has no effect while automatic exposure is on: set AeEnable to "
		  "false, or ExposureTimeMode to 1");
}

TEST_F(AutomaticControlsTest, NothingIsIgnoredWithoutAutomaticExposure)
{
	libcamera::ControlList set = exposure();
	set.set(controls::AeEnable, false);
	set.set(controls::AnalogueGain, 2.0F);
	EXPECT_EQ(automatic_.follow(set), "");
	EXPECT_EQ(automatic_.follow(exposure()), "");

	libcamera::ControlList on = list();
	on.set(controls::AeEnable, true);
	EXPECT_EQ(automatic_.follow(on), "");
	EXPECT_NE(automatic_.follow(exposure()), "");
}

TEST_F(AutomaticControlsTest, AModeIsForItsControlOnly)
{
	libcamera::ControlList set = exposure();
	set.set(controls::ExposureTimeMode, int32_t{controls::ExposureTimeModeManual});
	set.set(controls::AnalogueGain, 2.0F);
	EXPECT_TRUE(automatic_.follow(set).starts_with("AnalogueGain has no effect"));
	EXPECT_EQ(automatic_.follow(exposure()), "");
}

TEST_F(AutomaticControlsTest, GainsOfColoursAreIgnoredUnderAutomaticWhiteBalance)
{
	libcamera::ControlList set = list();
	const std::array gains = {1.5F, 2.0F};
	set.set(controls::ColourGains, libcamera::Span<const float, 2>(gains));
	EXPECT_TRUE(automatic_.follow(set).ends_with("set AwbEnable to false"));
	set.set(controls::AwbEnable, false);
	EXPECT_EQ(automatic_.follow(set), "");
}

TEST(AutomaticControls, ACameraWithoutThemIgnoresNothing)
{
	const libcamera::ControlInfoMap none({}, controls::controls);
	libcamera::ControlList set(controls::controls);
	set.set(controls::ExposureTime, 10000);
	EXPECT_EQ(AutomaticControls(none).follow(set), "");
}

} /* namespace */
} /* namespace cmacam */
