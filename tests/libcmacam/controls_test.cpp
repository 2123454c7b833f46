/* SPDX-License-Identifier: MIT */
/*
 * Control values of the library become libcamera's, and those that cannot are refused in words.
 */
#include "controls.h"

#include <cerrno>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <libcamera/control_ids.h>

namespace cmacam {
namespace {

namespace controls = libcamera::controls;

constexpr double kInfinite = std::numeric_limits<double>::infinity();

class ControlsTest : public testing::Test
{
protected:
	Result<void> set(std::string_view name, const ControlValue &value)
	{
		return setControl(&list_, known_, name, value);
	}

	int codeOf(std::string_view name, const ControlValue &value)
	{
		const Result<void> result = set(name, value);
		return result ? 0 : result.error().code;
	}

	const libcamera::ControlInfoMap known_{
		{
			{&controls::ExposureTime, libcamera::ControlInfo(1, 66666, 20000)},
			{&controls::AnalogueGain, libcamera::ControlInfo(1.0F, 16.0F, 1.0F)},
			{&controls::AwbEnable, libcamera::ControlInfo(false, true, true)},
			{&controls::FrameDurationLimits,
			 libcamera::ControlInfo(int64_t{16666}, int64_t{1000000}, int64_t{33333})},
			/* A control whose range the library does not compare. */
			{&controls::ScalerCrop,
			 libcamera::ControlInfo(libcamera::Rectangle(0, 0, 16, 16),
						libcamera::Rectangle(0, 0, 3840, 2160),
						libcamera::Rectangle(0, 0, 3840, 2160))},
		},
		controls::controls};
	libcamera::ControlList list_{controls::controls};
};

TEST_F(ControlsTest, AValueHasTheTypeOfTheControl)
{
	EXPECT_TRUE(set("ExposureTime", std::int64_t{5000}));
	EXPECT_EQ(list_.get(controls::ExposureTime), 5000);
	EXPECT_TRUE(set("AnalogueGain", std::int64_t{2}));
	EXPECT_EQ(list_.get(controls::AnalogueGain), 2.0F);
	EXPECT_TRUE(set("AwbEnable", false));
	EXPECT_EQ(list_.get(controls::AwbEnable), false);
	EXPECT_TRUE(set("FrameDurationLimits", std::vector<std::int64_t>{20000, 30000}));
	EXPECT_EQ((*list_.get(controls::FrameDurationLimits))[1], 30000);
	EXPECT_TRUE(set("ScalerCrop", std::vector<std::int64_t>{0, 2, 640, 480}));
	EXPECT_EQ(list_.get(controls::ScalerCrop), libcamera::Rectangle(0, 2, 640, 480));
}

TEST_F(ControlsTest, AValueOfAnotherTypeIsRefused)
{
	EXPECT_EQ(codeOf("ExposureTime", 0.5), EINVAL);
	EXPECT_EQ(codeOf("ExposureTime", std::string("long")), EINVAL);
	EXPECT_EQ(codeOf("ExposureTime", std::vector<std::int64_t>{1, 2}), EINVAL);
	EXPECT_EQ(codeOf("ScalerCrop", std::vector<std::int64_t>{1, 2, 3}), EINVAL);
	EXPECT_EQ(codeOf("ScalerCrop", std::vector<std::int64_t>{0, 0, -1, 5}), EINVAL);
	EXPECT_EQ(codeOf("Nonsense", 0.5), ENOENT);
}

TEST_F(ControlsTest, AValueOutOfRangeIsNamedWithItsLimits)
{
	const Result<void> result = set("ExposureTime", std::int64_t{70000});
	ASSERT_FALSE(result);
	EXPECT_EQ(result.error().code, ERANGE);
	EXPECT_NE(result.error().what.find("ExposureTime of 70000 is not within"),
		  std::string::npos)
		<< result.error().what;
	EXPECT_NE(result.error().what.find("66666"), std::string::npos) << result.error().what;
}

/* Converting such a number is undefined behaviour, which the sanitiser reports. */
TEST_F(ControlsTest, ANumberThatNoTypeHoldsIsRefused)
{
	for (double number : {kInfinite, -kInfinite, std::numeric_limits<double>::quiet_NaN()}) {
		EXPECT_EQ(codeOf("ExposureTime", number), EINVAL) << number;
		EXPECT_EQ(codeOf("AnalogueGain", number), ERANGE) << number;
		EXPECT_EQ(codeOf("ScalerCrop", std::vector<double>{0, 0, number, 16}), EINVAL)
			<< number;
	}
	for (double number : {1e300, -1e300, 0x1p31, 0x1p63}) {
		EXPECT_EQ(codeOf("ExposureTime", number), ERANGE) << number;
		EXPECT_EQ(codeOf("AnalogueGain", number), ERANGE) << number;
		EXPECT_EQ(codeOf("FrameDurationLimits", std::vector<double>{number, number}),
			  ERANGE)
			<< number;
		EXPECT_EQ(codeOf("ScalerCrop", std::vector<double>{0, 0, number, 16}), ERANGE)
			<< number;
	}
	EXPECT_TRUE(list_.empty());
}

} /* namespace */
} /* namespace cmacam */
