/* SPDX-License-Identifier: MIT */
/*
 * libcamera's own plugin is called only if its version is known.
 */
#include "foreign_manager.h"

#include <string>

#include <gst/gst.h>
#include <gtest/gtest.h>
#include <libcamera/camera_manager.h>

#include "gst_ptr.h"

namespace cmacam::gst {
namespace {

/* As libcamera says it, without the "v" and the revision of a distribution. */
std::string builtVersion()
{
	const std::string version = libcamera::CameraManager::version();
	return version.substr(1, version.find('+') - 1);
}

TEST(ForeignManager, APluginOfTheSameVersionIsKnown)
{
	EXPECT_TRUE(isKnownPluginVersion(builtVersion()));
	EXPECT_TRUE(isKnownPluginVersion(builtVersion() + "+12-0123abcd"));
}

TEST(ForeignManager, APluginOfAnotherVersionIsNot)
{
	EXPECT_FALSE(isKnownPluginVersion(""));
	EXPECT_FALSE(isKnownPluginVersion(builtVersion() + "0"));
	EXPECT_FALSE(isKnownPluginVersion(builtVersion() + ".1"));
	EXPECT_FALSE(isKnownPluginVersion("99." + builtVersion()));
}

TEST(ForeignManager, TheInstalledPluginIsKnown)
{
	const PluginPtr plugin(gst_plugin_load_by_name("libcamera"));
	if (!plugin)
		GTEST_SKIP() << "libcamera's GStreamer plugin is not installed";
	EXPECT_TRUE(isKnownPluginVersion(gst_plugin_get_version(plugin.get())));
}

} /* namespace */
} /* namespace cmacam::gst */
