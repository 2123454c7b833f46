/* SPDX-License-Identifier: MIT */
/*
 * One program may have the plugin and libcmacam, each with an Error and a
 * PlaneLayout of its own: this is one.
 */
#include <type_traits>

#include <cmacam/frame_layout.h>
#include <cmacam/result.h>
#include <gtest/gtest.h>

#include "error.h"
#include "stream_buffers.h"

namespace {

TEST(Namespace, LibcmacamAndThePluginAreApart)
{
	EXPECT_FALSE((std::is_same_v<cmacam::Error, cmacam::gst::Error>));
	EXPECT_FALSE((std::is_same_v<cmacam::PlaneLayout, cmacam::gst::PlaneLayout>));
}

} /* namespace */
