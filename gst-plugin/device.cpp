/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A camera as GstDevice.
 */
#include "device.h"

#include <string>

#include <libcamera/property_ids.h>

#include <cmacam/is_cmacam.h>

#include "camera_offer.h"
#include "caps.h"
#include "control_value.h"

using namespace cmacam;
using namespace cmacam::gst;

enum {
	PROP_0,
	PROP_CAMERA_ID,
	PROP_ELEMENT,
};

struct _GstCmacamDevice
{
	GstDevice parent;
	gchar *id;
	gchar *element;
};

G_DEFINE_FINAL_TYPE(GstCmacamDevice, gst_cmacam_device, GST_TYPE_DEVICE)

namespace cmacam::gst {

namespace {

/* Model, Location and the like, under libcamera's names. */
StructurePtr propertiesOf(libcamera::Camera &camera)
{
	StructurePtr all(gst_structure_new("properties", "device.api", G_TYPE_STRING, "libcamera",
					   "api.libcamera.id", G_TYPE_STRING, camera.id().c_str(),
					   nullptr));

	for (const auto &[id, value] : camera.properties()) {
		GValue converted = G_VALUE_INIT;
		toGValue(value, &converted);
		if (!G_IS_VALUE(&converted))
			continue;
		const std::string name =
			"api.libcamera." + libcamera::properties::properties.at(id)->name();
		gst_structure_take_value(all.get(), name.c_str(), &converted);
	}
	return all;
}

std::string displayName(const libcamera::Camera &camera)
{
	const auto model = camera.properties().get(libcamera::properties::Model);
	if (!model)
		return camera.id();
	return std::string(*model) + " (" + camera.id() + ")";
}

} /* namespace */

GstDevice *makeDevice(libcamera::Camera &camera)
{
	const CapsPtr caps = offerCaps(readOffer(camera));
	const StructurePtr properties = propertiesOf(camera);

	return GST_DEVICE(g_object_new(GST_TYPE_CMACAM_DEVICE, "display-name",
				       displayName(camera).c_str(), "device-class", "Source/Video",
				       "caps", caps.get(), "properties", properties.get(),
				       "camera-id", camera.id().c_str(), "element",
				       isCmacam(camera) ? "cmacamsrc" : "libcamerasrc", nullptr));
}

const char *cameraId(GstDevice *device)
{
	return GST_CMACAM_DEVICE(device)->id;
}

} /* namespace cmacam::gst */

static GstElement *createElement(GstDevice *device, const gchar *name)
{
	GstCmacamDevice *self = GST_CMACAM_DEVICE(device);
	GstElement *element = gst_element_factory_make(self->element, name);

	if (element)
		g_object_set(element, "camera-name", self->id, nullptr);
	return element;
}

static gboolean reconfigureElement(GstDevice *device, GstElement *element)
{
	GstCmacamDevice *self = GST_CMACAM_DEVICE(device);
	GstElementFactory *factory = gst_element_get_factory(element);

	if (!factory || !g_str_equal(GST_OBJECT_NAME(factory), self->element))
		return FALSE;
	g_object_set(element, "camera-name", self->id, nullptr);
	return TRUE;
}

static void setProperty(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
	GstCmacamDevice *self = GST_CMACAM_DEVICE(object);

	switch (id) {
	case PROP_CAMERA_ID:
		self->id = g_value_dup_string(value);
		break;
	case PROP_ELEMENT:
		self->element = g_value_dup_string(value);
		break;
	default:
		G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
	}
}

static void getProperty(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
	GstCmacamDevice *self = GST_CMACAM_DEVICE(object);

	switch (id) {
	case PROP_CAMERA_ID:
		g_value_set_string(value, self->id);
		break;
	case PROP_ELEMENT:
		g_value_set_string(value, self->element);
		break;
	default:
		G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
	}
}

static void finalizeDevice(GObject *object)
{
	GstCmacamDevice *self = GST_CMACAM_DEVICE(object);

	g_free(self->id);
	g_free(self->element);
	G_OBJECT_CLASS(gst_cmacam_device_parent_class)->finalize(object);
}

static void gst_cmacam_device_init([[maybe_unused]] GstCmacamDevice *self)
{
}

static void gst_cmacam_device_class_init(GstCmacamDeviceClass *klass)
{
	GObjectClass *object = G_OBJECT_CLASS(klass);
	const auto flags =
		GParamFlags(G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

	object->set_property = setProperty;
	object->get_property = getProperty;
	object->finalize = finalizeDevice;
	g_object_class_install_property(object, PROP_CAMERA_ID,
					g_param_spec_string("camera-id", "Camera id",
							    "libcamera's id of the camera", nullptr,
							    flags));
	g_object_class_install_property(object, PROP_ELEMENT,
					g_param_spec_string("element", "Element",
							    "The source element for the camera",
							    nullptr, flags));

	GST_DEVICE_CLASS(klass)->create_element = createElement;
	GST_DEVICE_CLASS(klass)->reconfigure_element = reconfigureElement;
}
