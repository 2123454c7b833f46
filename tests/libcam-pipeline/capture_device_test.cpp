/* SPDX-License-Identifier: MIT */
/*
 * Numbers among V4L2 controls, read or not.
 */

#include <gtest/gtest.h>

#include <libcamera/control_ids.h>

#include "capture_device.h"

namespace controls = libcamera::controls;

TEST(IntControl, ValueOfWhatWasRead)
{
	libcamera::ControlList list(controls::controls);
	list.set(controls::ExposureTime, -5);

	EXPECT_EQ(libcamera::intControl(list, controls::ExposureTime.id()), -5);
}

TEST(IntControl, NothingOfWhatWasNotRead)
{
	libcamera::ControlList list(controls::controls);
	list.set(controls::ExposureTime.id(), {});
	list.set(controls::Brightness, 0.5f);

	EXPECT_FALSE(libcamera::intControl(list, controls::ExposureTime.id()));
	EXPECT_FALSE(libcamera::intControl(list, controls::Brightness.id()));
	EXPECT_FALSE(libcamera::intControl(list, controls::AeEnable.id()));
}
