/* SPDX-License-Identifier: MIT */
/*
 * The element on a camera: properties that are controls of libcamera.
 */
#include <cmath>
#include <cstdlib>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "camera_fixture.h"

namespace cmacam::gst {
namespace {

/* libcamera heeds exposure and gain in the manual modes only. */
void setManual(GstElement *camera)
{
	gst_util_set_object_arg(G_OBJECT(camera), "exposure-time-mode", "manual");
	gst_util_set_object_arg(G_OBJECT(camera), "analogue-gain-mode", "manual");
}

/* Frames already under way have the old exposure: there are no more of them than buffers. */
TEST_F(CameraTest, AControlReachesTheSensorAndIsReadBack)
{
	setManual(GST_ELEMENT(camera_.get()));
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());

	for (int wanted : {3000, 9000}) {
		g_object_set(camera_.get(), "exposure-time", wanted, "analogue-gain",
			     wanted / 3000.0, nullptr);
		int exposure = 0;
		float gain = 0;
		/* Two properties, which may go with one frame or with two. */
		const auto arrived = [&] {
			return abs(exposure - wanted) <= 50 && fabs(gain - wanted / 3000.0) <= 0.01;
		};
		for (int i = 0; i < 16 && !arrived(); i++) {
			ASSERT_TRUE(pull());
			g_object_get(camera_.get(), "exposure-time", &exposure, "analogue-gain",
				     &gain, nullptr);
		}
		EXPECT_NEAR(exposure, wanted, 50);
		EXPECT_NEAR(gain, wanted / 3000.0, 0.01);
	}
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(CameraTest, AControlSetBeforeTheStartHoldsForTheFirstFrame)
{
	setManual(GST_ELEMENT(camera_.get()));
	g_object_set(camera_.get(), "exposure-time", 4000, nullptr);
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());

	int exposure = 0;
	g_object_get(camera_.get(), "exposure-time", &exposure, nullptr);
	EXPECT_NEAR(exposure, 4000, 50);
}

TEST_F(CameraTest, AnImpossibleControlIsOneClearErrorAtTheStart)
{
	g_object_set(camera_.get(), "analogue-gain", 1000.0, nullptr);
	EXPECT_EQ(pipeline_.setState(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);

	const Problems problems = pipeline_.problems();
	EXPECT_EQ(problems.count, 1);
	EXPECT_EQ(problems.code, GST_RESOURCE_ERROR_SETTINGS);
	EXPECT_EQ(problems.text.find("analogue-gain=1000"), 0u) << problems.text;
}

TEST_F(CameraTest, AnImpossibleControlWhilePlayingIsAWarningAndChangesNothing)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());
	g_object_set(camera_.get(), "analogue-gain", 1000.0, nullptr);
	EXPECT_TRUE(pipeline_.wait(GST_MESSAGE_WARNING, 0));

	g_object_set(camera_.get(), "lens-position", 1.0, nullptr);
	EXPECT_TRUE(pipeline_.wait(GST_MESSAGE_WARNING, 0)) << "this camera has no lens";
	EXPECT_TRUE(pull());
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(CameraTest, TheLimitsOfTheCameraAreAProperty)
{
	pipeline_.setState(GST_STATE_PAUSED);

	GstStructure *all = nullptr;
	g_object_get(camera_.get(), "control-limits", &all, nullptr);
	ASSERT_NE(all, nullptr);
	EXPECT_TRUE(gst_structure_has_field(all, "exposure-time"));
	gst_structure_free(all);
}

/* Frame durations allow one rate only: it is in the caps, then the other one. */
TEST_F(CameraTest, FrameDurationLimitsChangeTheRate)
{
	gst_util_set_object_arg(G_OBJECT(camera_.get()), "frame-duration-limits", "<50000, 50000>");
	pipeline_.setState(GST_STATE_PLAYING);

	const auto rateIs = [this](int wanted) {
		gint numerator = 0, denominator = 1;
		for (int i = 0; i < 32 && numerator != wanted * denominator; i++) {
			const SamplePtr sample = pull();
			if (!sample)
				return false;
			gst_structure_get_fraction(capsOf(sample), "framerate", &numerator,
						   &denominator);
		}
		return numerator == wanted * denominator;
	};

	EXPECT_TRUE(rateIs(20));
	gst_util_set_object_arg(G_OBJECT(camera_.get()), "frame-duration-limits", "<40000, 40000>");
	EXPECT_TRUE(rateIs(25));
	EXPECT_EQ(pipeline_.problems().count, 0);
}

} /* namespace */
} /* namespace cmacam::gst */
