/* SPDX-License-Identifier: MIT */
/*
 * GStreamer, and the plugin's element, for all tests of this program.
 */
#include <gst/gst.h>
#include <gtest/gtest.h>

#include "device_provider.h"
#include "src.h"

namespace {

class GstEnvironment : public testing::Environment
{
public:
	void SetUp() override
	{
		/* The element under test is the one linked in, not an installed one. */
		g_unsetenv("GST_PLUGIN_PATH");
		gst_init(nullptr, nullptr);
		ASSERT_TRUE(GST_ELEMENT_REGISTER(cmacamsrc, nullptr));
		ASSERT_TRUE(GST_DEVICE_PROVIDER_REGISTER(cmacamdeviceprovider, nullptr));
	}
};

[[maybe_unused]] const auto *environment = testing::AddGlobalTestEnvironment(new GstEnvironment);

} /* namespace */
