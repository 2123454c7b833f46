/* SPDX-License-Identifier: MIT */
/*
 * The device provider without a camera, beside libcamera's own plugin.
 */
#include <array>
#include <cstring>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "device_provider.h"
#include "pipeline.h"

namespace cmacam::gst {
namespace {

struct ProviderUnref
{
	void operator()(GstDeviceProvider *provider) const { gst_object_unref(provider); }
};
using ProviderPtr = std::unique_ptr<GstDeviceProvider, ProviderUnref>;

ProviderPtr provider(const char *name)
{
	return ProviderPtr(gst_device_provider_factory_get_by_name(name));
}

bool haveLibcameraPlugin()
{
	return provider("libcameraprovider") != nullptr;
}

TEST(DeviceProvider, HidesWhatItListsItself)
{
	if (!haveLibcameraPlugin())
		GTEST_SKIP() << "libcamera's GStreamer plugin is not installed";

	const ProviderPtr ours = provider("cmacamdeviceprovider");
	ASSERT_TRUE(ours);
	gchar **hidden = gst_device_provider_get_hidden_providers(ours.get());
	ASSERT_NE(hidden, nullptr);
	EXPECT_TRUE(g_strv_contains(hidden, "libcameraprovider"));
	EXPECT_TRUE(g_strv_contains(hidden, "v4l2deviceprovider"));
	g_strfreev(hidden);
}

TEST(DeviceProvider, StartsAndStopsWithoutACamera)
{
	const ProviderPtr ours = provider("cmacamdeviceprovider");
	ASSERT_TRUE(ours);

	for (int i = 0; i < 3; i++) {
		ASSERT_TRUE(gst_device_provider_start(ours.get()));
		EXPECT_EQ(gst_device_provider_get_devices(ours.get()), nullptr);
		gst_device_provider_stop(ours.get());
	}
}

/* libcamera aborts the process at a second manager: whoever comes first shares. */
TEST(DeviceProvider, LibcamerasProviderMayRunBesideIt)
{
	if (!haveLibcameraPlugin())
		GTEST_SKIP() << "libcamera's GStreamer plugin is not installed";

	const ProviderPtr ours = provider("cmacamdeviceprovider");
	const ProviderPtr theirs = provider("libcameraprovider");

	ASSERT_TRUE(gst_device_provider_start(ours.get()));
	EXPECT_TRUE(gst_device_provider_start(theirs.get()));
	gst_device_provider_stop(ours.get());
	ASSERT_TRUE(gst_device_provider_start(ours.get())) << "theirs still has it";
	gst_device_provider_stop(theirs.get());
	gst_device_provider_stop(ours.get());
}

TEST(DeviceProvider, LibcamerasrcMayOpenBesideIt)
{
	const ElementPtr source(gst_element_factory_make("libcamerasrc", nullptr));
	if (!source)
		GTEST_SKIP() << "libcamera's GStreamer plugin is not installed";
	gst_object_ref_sink(source.get());

	const ProviderPtr ours = provider("cmacamdeviceprovider");
	ASSERT_TRUE(gst_device_provider_start(ours.get()));
	g_object_set(source.get(), "camera-name", "no such camera", nullptr);
	EXPECT_EQ(gst_element_set_state(source.get(), GST_STATE_READY), GST_STATE_CHANGE_FAILURE)
		<< "an error, not an abort";
	gst_element_set_state(source.get(), GST_STATE_NULL);
	gst_device_provider_stop(ours.get());
}

} /* namespace */
} /* namespace cmacam::gst */
