/* SPDX-License-Identifier: MIT */
/*
 * Controls: every control of libcamera is a property; values keep to the camera.
 */
#include "controls.h"

#include <array>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <utility>

#include <gst/gst.h>
#include <gtest/gtest.h>
#include <libcamera/control_ids.h>

#include "control_texts.h"
#include "control_value.h"
#include "pipeline.h"

namespace cmacam::gst {
namespace {

namespace controls = libcamera::controls;
using libcamera::ControlInfo;
using libcamera::ControlValue;

size_t indexOf(const libcamera::ControlId &id)
{
	for (size_t i = 0; i < controlTexts().size(); i++)
		if (controlTexts()[i].id == &id)
			return i;
	ADD_FAILURE() << id.name();
	return 0;
}

/* A GValue that unsets itself. */
class Value
{
public:
	Value() = default;
	explicit Value(GType type) { g_value_init(&value_, type); }
	~Value()
	{
		if (G_IS_VALUE(&value_))
			g_value_unset(&value_);
	}
	Value(const Value &) = delete;

	GValue *get() { return &value_; }
	operator GValue *() { return &value_; }

private:
	GValue value_ = G_VALUE_INIT;
};

class ControlsTest : public testing::Test
{
protected:
	ControlsTest() : element_(gst_element_factory_make("cmacamsrc", nullptr))
	{
		gst_object_ref_sink(element_.get());
	}

	GParamSpec *spec(const libcamera::ControlId &id)
	{
		return g_object_class_find_property(G_OBJECT_GET_CLASS(element_.get()),
						    controlTexts()[indexOf(id)].property);
	}

	template <typename T>
	Result<void> setInt(const libcamera::Control<T> &id, int number)
	{
		Value value(G_TYPE_INT);
		g_value_set_int(value, number);
		return controls_.set(indexOf(id), value);
	}

	int getInt(const libcamera::ControlId &id)
	{
		Value value(G_PARAM_SPEC_VALUE_TYPE(spec(id)));
		controls_.get(indexOf(id), value, spec(id));
		return g_value_get_int(value);
	}

	Result<void> attach() { return controls_.attach("a camera", camera_); }

	const libcamera::ControlInfoMap camera_{
		{{&controls::ExposureTime, ControlInfo(100, 30000, 20000)},
		 {&controls::AeExposureMode,
		  ControlInfo(std::array<ControlValue, 2>{
			  ControlValue(int32_t(controls::ExposureNormal)),
			  ControlValue(int32_t(controls::ExposureLong))})},
		 {&controls::ColourGains, ControlInfo(0.5f, 4.0f, 1.0f)}},
		controls::controls};
	ElementPtr element_;
	Controls controls_;
};

TEST_F(ControlsTest, EveryControlOfLibcameraIsAProperty)
{
	std::set<unsigned int> described;

	for (const ControlText &text : controlTexts()) {
		const GParamSpec *found = spec(*text.id);
		ASSERT_NE(found, nullptr) << text.property;
		EXPECT_EQ(bool(found->flags & G_PARAM_WRITABLE), text.id->isInput());
		EXPECT_GT(strlen(g_param_spec_get_blurb(const_cast<GParamSpec *>(found))), 8u)
			<< text.property;
		described.insert(text.id->id());
	}

	/* Vendor controls (rpi, debug) are others' business. */
	for (const auto &[number, id] : controls::controls) {
		if (id->vendor() == "libcamera" || id->vendor() == "draft") {
			EXPECT_TRUE(described.contains(number)) << id->name();
		}
	}
}

TEST_F(ControlsTest, SingleValuesCanBeAnimated)
{
	EXPECT_TRUE(spec(controls::ExposureTime)->flags & GST_PARAM_CONTROLLABLE);
	EXPECT_TRUE(spec(controls::AfMode)->flags & GST_PARAM_CONTROLLABLE);
	EXPECT_FALSE(spec(controls::ColourGains)->flags & GST_PARAM_CONTROLLABLE);
	EXPECT_FALSE(spec(controls::SensorTimestamp)->flags & GST_PARAM_CONTROLLABLE);
}

TEST_F(ControlsTest, EnumerationsHaveLibcamerasNames)
{
	gst_util_set_object_arg(G_OBJECT(element_.get()), "test-pattern-mode", "solid-color");
	gint mode;
	g_object_get(element_.get(), "test-pattern-mode", &mode, nullptr);
	EXPECT_EQ(mode, controls::draft::TestPatternModeSolidColor);
}

/* As gst-launch-1.0 writes them: <1.5, 2>. */
TEST_F(ControlsTest, ArraysAndRectanglesAreRead)
{
	gst_util_set_object_arg(G_OBJECT(element_.get()), "colour-gains", "<1.5, 2>");
	gst_util_set_object_arg(G_OBJECT(element_.get()), "scaler-crop", "<16, 8, 320, 240>");
	Value gains(GST_TYPE_ARRAY), crop(GST_TYPE_ARRAY);

	g_object_get_property(G_OBJECT(element_.get()), "colour-gains", gains);
	ASSERT_EQ(gst_value_array_get_size(gains), 2u);
	EXPECT_EQ(g_value_get_float(gst_value_array_get_value(gains, 0)), 1.5f);
	g_object_get_property(G_OBJECT(element_.get()), "scaler-crop", crop);
	ASSERT_EQ(gst_value_array_get_size(crop), 4u);
	EXPECT_EQ(g_value_get_int(gst_value_array_get_value(crop, 2)), 320);
}

TEST_F(ControlsTest, EveryTypeSurvivesTheRoundTrip)
{
	const float matrix[] = {1, 0, 0, 0, 1, 0, 0, 0, 1.25f};
	const libcamera::Rectangle windows[] = {{1, 2, 3, 4}, {-5, 6, 7, 8}};
	const std::pair<const libcamera::ControlId &, ControlValue> cases[] = {
		{controls::AeEnable, ControlValue(true)},
		{controls::AfMode, ControlValue(int32_t(2))},
		{controls::FrameDuration, ControlValue(int64_t(1) << 40)},
		{controls::Contrast, ControlValue(1.5f)},
		{controls::ScalerCrop, ControlValue(libcamera::Rectangle(1, 2, 30, 40))},
		{controls::ColourCorrectionMatrix,
		 ControlValue(libcamera::Span<const float, 9>(matrix))},
		{controls::AfWindows,
		 ControlValue(libcamera::Span<const libcamera::Rectangle>(windows))},
	};

	for (const auto &[id, value] : cases) {
		Value gvalue;
		toGValue(value, gvalue);
		const auto back = fromGValue(id, gvalue);
		ASSERT_TRUE(back) << id.name();
		EXPECT_EQ(*back, value) << id.name() << " " << back->toString();
	}
}

TEST_F(ControlsTest, AWrongNumberOfElementsIsRefused)
{
	const float three[] = {1, 2, 3};
	Value value;
	toGValue(ControlValue(libcamera::Span<const float, 3>(three)), value);

	const Result<void> result = controls_.set(indexOf(controls::ColourGains), value);
	ASSERT_FALSE(result);
	EXPECT_EQ(result.error().what, "colour-gains takes 2 of gfloat");
	EXPECT_TRUE(controls_.all().empty());
}

TEST_F(ControlsTest, AValueOutOfRangeIsNamedWithItsLimits)
{
	ASSERT_TRUE(attach());
	EXPECT_TRUE(setInt(controls::ExposureTime, 30000));

	const Result<void> result = setInt(controls::ExposureTime, 30001);
	ASSERT_FALSE(result);
	EXPECT_EQ(result.error().code, EINVAL);
	EXPECT_EQ(result.error().what,
		  "exposure-time=30001 is not possible: camera 'a camera' takes "
		  "100 to 30000, by default 20000");
	EXPECT_EQ(getInt(controls::ExposureTime), 30000) << "nothing has changed";
	EXPECT_FALSE(setInt(controls::ExposureTime, 99));
	EXPECT_FALSE(setInt(controls::AeExposureMode, controls::ExposureShort))
		<< "not in the list";
	EXPECT_TRUE(setInt(controls::AeExposureMode, controls::ExposureLong));
}

TEST_F(ControlsTest, EachElementKeepsToTheLimits)
{
	ASSERT_TRUE(attach());
	for (const auto &[second, good] : std::map<float, bool>{{4.0f, true}, {4.1f, false}}) {
		const float gains[] = {1, second};
		Value value;
		toGValue(ControlValue(libcamera::Span<const float, 2>(gains)), value);
		EXPECT_EQ(controls_.set(indexOf(controls::ColourGains), value).has_value(), good)
			<< second;
	}
}

TEST_F(ControlsTest, WhatWasSetBeforeIsCheckedWhenTheCameraIsKnown)
{
	EXPECT_TRUE(setInt(controls::AfMode, controls::AfModeAuto)) << "no camera yet";

	const Result<void> result = attach();
	ASSERT_FALSE(result);
	EXPECT_EQ(result.error().what, "Camera 'a camera' has no control 'af-mode'");
}

TEST_F(ControlsTest, AControlIsHandedOnOnce)
{
	ASSERT_TRUE(attach());
	ASSERT_TRUE(setInt(controls::ExposureTime, 5000));
	EXPECT_TRUE(controls_.pending());
	EXPECT_EQ(controls_.take().get(controls::ExposureTime), 5000);
	EXPECT_FALSE(controls_.pending());
	EXPECT_TRUE(controls_.take().empty());
	EXPECT_EQ(controls_.all().get(controls::ExposureTime), 5000)
		<< "a new start needs it again";
}

TEST_F(ControlsTest, ReadBackIsTheFrameThenTheWishThenTheCamera)
{
	EXPECT_EQ(getInt(controls::ExposureTime), 0) << "nothing is known";
	ASSERT_TRUE(attach());
	EXPECT_EQ(getInt(controls::ExposureTime), 20000) << "the camera's default";
	ASSERT_TRUE(setInt(controls::ExposureTime, 5000));
	EXPECT_EQ(getInt(controls::ExposureTime), 5000);

	libcamera::ControlList metadata(controls::controls);
	metadata.set(controls::ExposureTime, 4990);
	controls_.setMetadata(metadata);
	EXPECT_EQ(getInt(controls::ExposureTime), 4990) << "what the camera made of it";
}

TEST_F(ControlsTest, TheLimitsOfTheCameraCanBeRead)
{
	EXPECT_FALSE(controls_.describe());
	ASSERT_TRUE(attach());

	const StructurePtr all = controls_.describe();
	ASSERT_TRUE(all);
	EXPECT_EQ(gst_structure_n_fields(all.get()), 3);
	const GValue *field = gst_structure_get_value(all.get(), "exposure-time");
	ASSERT_NE(field, nullptr);
	gint max = 0;
	EXPECT_TRUE(gst_structure_get_int(gst_value_get_structure(field), "max", &max));
	EXPECT_EQ(max, 30000);
}

} /* namespace */
} /* namespace cmacam::gst */
