/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device provider: cameras as GstDevice, as they come and go.
 */

/**
 * SECTION:deviceprovider-cmacamdeviceprovider
 * @title: cmacamdeviceprovider
 *
 * Lists the cameras of libcamera, and tells of those that are plugged in and
 * taken out. Where libcamerasrc is installed, cameras of other makes are listed
 * as well, for it, and the providers of libcamera and Video4Linux are hidden:
 * each camera is there once.
 *
 * |[
 * gst-device-monitor-1.0 --follow Source/Video
 * ]|
 */
#include "device_provider.h"

#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>

#include <cmacam/is_cmacam.h>

#include "device.h"
#include "foreign_manager.h"
#include "gst_ptr.h"
#include "hotplug.h"
#include "manager.h"

GST_DEBUG_CATEGORY_STATIC(cmacam_provider_debug);

using namespace cmacam;
using namespace cmacam::gst;

namespace {

struct ProviderState
{
	/* Empty unless started. */
	std::shared_ptr<libcamera::CameraManager> manager;
	std::optional<HotplugSubscription> hotplug;
	/* Held while a camera is looked for and announced, by start() and by libcamera's thread. */
	std::mutex announcing;
};

} /* namespace */

struct _GstCmacamDeviceProvider
{
	GstDeviceProvider parent;
	ProviderState state;
};

G_DEFINE_FINAL_TYPE_WITH_CODE(GstCmacamDeviceProvider, gst_cmacam_device_provider,
			      GST_TYPE_DEVICE_PROVIDER,
			      GST_DEBUG_CATEGORY_INIT(cmacam_provider_debug, "cmacamprovider", 0,
						      "cmacam device provider"))
GST_DEVICE_PROVIDER_REGISTER_DEFINE(cmacamdeviceprovider, "cmacamdeviceprovider", GST_RANK_PRIMARY,
				    GST_TYPE_CMACAM_DEVICE_PROVIDER)

static bool haveLibcamerasrc()
{
	GstElementFactory *factory = gst_element_factory_find("libcamerasrc");
	if (factory)
		gst_object_unref(factory);
	return factory;
}

static bool isListed(const libcamera::Camera &camera)
{
	return isCmacam(camera) || haveLibcamerasrc();
}

static GList *probe(GstDeviceProvider *provider)
{
	const auto manager = sharedManager();
	GList *devices = nullptr;

	if (!manager) {
		GST_CAT_WARNING_OBJECT(cmacam_provider_debug, provider, "%s",
				       manager.error().what.c_str());
		return nullptr;
	}

	for (const std::shared_ptr<libcamera::Camera> &camera : (*manager)->cameras())
		if (isListed(*camera))
			devices = g_list_append(devices, makeDevice(*camera));
	return devices;
}

/* The device of the camera @id that is announced; a new reference, or null. */
static GstDevice *findDevice(GstDeviceProvider *provider, const std::string &id)
{
	GstDevice *found = nullptr;

	GST_OBJECT_LOCK(provider);
	for (GList *item = provider->devices; item && !found; item = item->next)
		if (id == cameraId(GST_DEVICE(item->data)))
			found = GST_DEVICE(gst_object_ref(item->data));
	GST_OBJECT_UNLOCK(provider);
	return found;
}

/* The caller holds the lock of the announcements, here and below. */
static void cameraAdded(GstDeviceProvider *provider, libcamera::Camera &camera)
{
	if (GstDevice *known = findDevice(provider, camera.id())) {
		gst_object_unref(known);
		return;
	}
	const bool listed = isListed(camera);
	GST_CAT_DEBUG_OBJECT(cmacam_provider_debug, provider, "camera %s is present%s",
			     camera.id().c_str(),
			     listed ? "" : ", but no element here can play it");
	if (listed)
		gst_device_provider_device_add(provider, makeDevice(camera));
}

static void cameraRemoved(GstDeviceProvider *provider, libcamera::Camera &camera)
{
	GST_CAT_DEBUG_OBJECT(cmacam_provider_debug, provider, "camera %s is gone",
			     camera.id().c_str());
	if (GstDevice *device = findDevice(provider, camera.id())) {
		gst_device_provider_device_remove(provider, device);
		gst_object_unref(device);
	}
}

static gboolean start(GstDeviceProvider *provider)
{
	GstCmacamDeviceProvider *self = GST_CMACAM_DEVICE_PROVIDER(provider);
	auto manager = sharedManager();
	if (!manager) {
		/* Others' devices are to be listed all the same. */
		GST_CAT_WARNING_OBJECT(cmacam_provider_debug, provider, "%s",
				       manager.error().what.c_str());
		return TRUE;
	}

	using CameraPtr = std::shared_ptr<libcamera::Camera>;
	self->state.manager = *std::move(manager);
	self->state.hotplug.emplace([provider, self](Hotplug what, const CameraPtr &camera) {
		std::lock_guard lock(self->state.announcing);
		if (what == Hotplug::Added)
			cameraAdded(provider, *camera);
		else
			cameraRemoved(provider, *camera);
	});

	/*
	 * Subscribed first: one that comes meanwhile is found by both, and added once. One
	 * that goes meanwhile is removed after it was added.
	 */
	std::lock_guard lock(self->state.announcing);
	for (const CameraPtr &camera : self->state.manager->cameras())
		cameraAdded(provider, *camera);
	return TRUE;
}

static void stop(GstDeviceProvider *provider)
{
	GstCmacamDeviceProvider *self = GST_CMACAM_DEVICE_PROVIDER(provider);

	self->state.hotplug.reset();
	self->state.manager.reset();
}

/* Not inlined: gcc takes the parent's finalize for this one, and warns of its own guess. */
[[gnu::noinline]] static void finalizeProvider(GObject *object)
{
	GST_CMACAM_DEVICE_PROVIDER(object)->state.~ProviderState();
	G_OBJECT_CLASS(gst_cmacam_device_provider_parent_class)->finalize(object);
}

static void gst_cmacam_device_provider_init(GstCmacamDeviceProvider *self)
{
	new (&self->state) ProviderState();

	/* What libcamerasrc is not there to play is left to the others to list. */
	if (!haveLibcamerasrc())
		return;
	gst_device_provider_hide_provider(GST_DEVICE_PROVIDER(self), "libcameraprovider");
	gst_device_provider_hide_provider(GST_DEVICE_PROVIDER(self), "v4l2deviceprovider");
}

static void gst_cmacam_device_provider_class_init(GstCmacamDeviceProviderClass *klass)
{
	GstDeviceProviderClass *provider = GST_DEVICE_PROVIDER_CLASS(klass);

	setManagerSource(libcameraPluginManager);
	G_OBJECT_CLASS(klass)->finalize = finalizeProvider;
	provider->probe = probe;
	provider->start = start;
	provider->stop = stop;
	gst_device_provider_class_set_static_metadata(
		provider, "cmacam device provider", "Source/Video",
		"Lists cameras and reports when they are plugged or unplugged",
		"the cmacam project");
}
