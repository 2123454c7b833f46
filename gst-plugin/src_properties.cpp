/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The element cmacamsrc: its properties, and the camera as a URI.
 */
#include <string>

#include <libcamera/control_ids.h>

#include "control_texts.h"
#include "src_state.h"

namespace cmacam::gst {

namespace {

enum {
	PROP_0,
	PROP_CAMERA_NAME,
	PROP_STREAM,
	PROP_ON_DISCONNECT,
	PROP_STILL_CAPS,
	PROP_CONTROL_LIMITS,
	/* One for each control, in the order of controlTexts(). */
	PROP_CONTROLS,
};

constexpr const char *kScheme = "cmacam";

#define GST_TYPE_CMACAM_STREAM (gst_cmacam_stream_get_type())
GType gst_cmacam_stream_get_type()
{
	static const GEnumValue values[] = {
		{static_cast<gint>(Stream::Main), "The main stream", "main"},
		{static_cast<gint>(Stream::Lores), "The second stream, without Bayer formats",
		 "lores"},
		{0, nullptr, nullptr},
	};
	static const GType type = g_enum_register_static("GstCmacamStream", values);
	return type;
}

#define GST_TYPE_CMACAM_ON_DISCONNECT (gst_cmacam_on_disconnect_get_type())
GType gst_cmacam_on_disconnect_get_type()
{
	static const GEnumValue values[] = {
		{DISCONNECT_STOP, "Post an error and end the stream", "stop"},
		{DISCONNECT_WAIT,
		 "Post a warning, and continue when the camera is plugged in again", "wait"},
		{0, nullptr, nullptr},
	};
	static const GType type = g_enum_register_static("GstCmacamOnDisconnect", values);
	return type;
}

/* The user's wish for a camera, as the property and as a URI. */
void setCameraName(GstCmacamSrc *self, const gchar *name)
{
	std::lock_guard lock(self->state.mutex);
	self->state.cameraName = name ? name : "";
}

std::string cameraName(GstCmacamSrc *self)
{
	std::lock_guard lock(self->state.mutex);
	return self->state.cameraName;
}

void setControl(GstCmacamSrc *self, guint index, const GValue *value)
{
	const Result<void> result = self->state.controls.set(index, value);

	if (!result) {
		GST_ELEMENT_WARNING(self, RESOURCE, SETTINGS, ("%s", result.error().what.c_str()),
				    ("Camera::controls()"));
		return;
	}

	/* Other frame rates are possible now, and perhaps not the present one. */
	if (controlTexts()[index].id == &libcamera::controls::FrameDurationLimits)
		gst_pad_mark_reconfigure(GST_BASE_SRC_PAD(self));
}

void setProperty(GObject *object, guint id, const GValue *value, GParamSpec *)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(object);

	switch (id) {
	case PROP_CAMERA_NAME:
		setCameraName(self, g_value_get_string(value));
		break;
	case PROP_STREAM: {
		std::lock_guard lock(self->state.mutex);
		self->state.streamName = Stream(g_value_get_enum(value));
		break;
	}
	case PROP_ON_DISCONNECT: {
		std::lock_guard lock(self->state.mutex);
		self->state.onDisconnect = OnDisconnect(g_value_get_enum(value));
		break;
	}
	case PROP_STILL_CAPS: {
		const GstCaps *caps = gst_value_get_caps(value);
		CapsPtr copy(caps ? gst_caps_copy(caps) : nullptr);
		std::lock_guard lock(self->state.mutex);
		self->state.stillCaps = std::move(copy);
		break;
	}
	default:
		setControl(self, id - PROP_CONTROLS, value);
	}
}

void getProperty(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(object);

	switch (id) {
	case PROP_CAMERA_NAME: {
		const std::string name = cameraName(self);
		g_value_set_string(value, name.empty() ? nullptr : name.c_str());
		break;
	}
	case PROP_STREAM: {
		std::lock_guard lock(self->state.mutex);
		g_value_set_enum(value, static_cast<gint>(self->state.streamName));
		break;
	}
	case PROP_ON_DISCONNECT: {
		std::lock_guard lock(self->state.mutex);
		g_value_set_enum(value, self->state.onDisconnect);
		break;
	}
	case PROP_STILL_CAPS: {
		std::lock_guard lock(self->state.mutex);
		g_value_set_boxed(value, self->state.stillCaps.get());
		break;
	}
	case PROP_CONTROL_LIMITS:
		g_value_take_boxed(value, self->state.controls.describe().release());
		break;
	default:
		self->state.controls.get(id - PROP_CONTROLS, value, pspec);
	}
}

GstURIType uriType(GType)
{
	return GST_URI_SRC;
}

const gchar *const *uriProtocols(GType)
{
	static const gchar *const protocols[] = {kScheme, nullptr};
	return protocols;
}

gchar *getUri(GstURIHandler *handler)
{
	const std::string name = cameraName(GST_CMACAM_SRC(handler));
	const StringPtr escaped(g_uri_escape_string(name.c_str(), "/", FALSE));

	return g_strconcat(kScheme, "://", escaped.get(), nullptr);
}

gboolean setUri(GstURIHandler *handler, const gchar *uri, GError **error)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(handler);

	GST_OBJECT_LOCK(self);
	const bool open = GST_STATE(self) > GST_STATE_READY;
	GST_OBJECT_UNLOCK(self);
	if (open) {
		g_set_error_literal(error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
				    "the camera can be changed only in NULL and READY");
		return FALSE;
	}

	/* GStreamer has looked at the scheme. */
	const StringPtr location(gst_uri_get_location(uri));
	setCameraName(self, location.get());
	return TRUE;
}

} /* namespace */

void uriHandlerInit(gpointer interface, gpointer)
{
	auto *handler = static_cast<GstURIHandlerInterface *>(interface);

	handler->get_type = uriType;
	handler->get_protocols = uriProtocols;
	handler->get_uri = getUri;
	handler->set_uri = setUri;
}

void installProperties(GObjectClass *object)
{
	object->set_property = setProperty;
	object->get_property = getProperty;

	/**
	 * GstCmacamSrc:camera-name:
	 *
	 * The libcamera id of the camera, which `cam -l` shows, or its model if no
	 * other camera has this model. If the property is unset, the element uses the
	 * first cmacam camera.
	 *
	 * Since: 0.1
	 */
	g_object_class_install_property(
		object, PROP_CAMERA_NAME,
		g_param_spec_string("camera-name", "Camera name",
				    "libcamera id of the camera, which 'cam -l' shows "
				    "(if unset: the first cmacam camera)",
				    nullptr,
				    GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
						GST_PARAM_MUTABLE_READY)));

	/**
	 * GstCmacamSrc:stream:
	 *
	 * The stream of the camera that this element uses. A camera has two
	 * streams. Both streams have the same frames with equal timestamps and
	 * offsets, but each stream has its own size and format. Another cmacamsrc
	 * of this process may use the other stream. Only the main stream has Bayer
	 * formats. The frame rate of lores is that of main.
	 *
	 * Since: 0.1
	 */
	g_object_class_install_property(
		object, PROP_STREAM,
		g_param_spec_enum("stream", "Stream",
				  "The stream of the camera that this element uses; another "
				  "cmacamsrc may use the other stream of the camera",
				  GST_TYPE_CMACAM_STREAM, static_cast<gint>(Stream::Main),
				  GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
					      GST_PARAM_MUTABLE_READY)));

	/**
	 * GstCmacamSrc:on-disconnect:
	 *
	 * The reaction of the element if the camera is unplugged while it streams.
	 * With `wait`, the element messages cmacam-disconnected and
	 * cmacam-connected inform the application. After the camera is plugged in
	 * again, frame numbers start again, and the first buffer has DISCONT.
	 *
	 * Since: 0.1
	 */
	g_object_class_install_property(
		object, PROP_ON_DISCONNECT,
		g_param_spec_enum(
			"on-disconnect", "On disconnect",
			"Reaction of the element if the camera is unplugged while it streams",
			GST_TYPE_CMACAM_ON_DISCONNECT, DISCONNECT_STOP,
			GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
				    GST_PARAM_MUTABLE_PLAYING)));

	/**
	 * GstCmacamSrc:still-caps:
	 *
	 * The caps of the pictures of #GstCmacamSrc::snapshot, such as `video/x-raw` or
	 * `video/x-raw,format=NV12,width=1920,height=1080`. Where the caps leave a choice,
	 * pictures have the camera's default format and its largest size. If the property is
	 * null, there are no snapshots.
	 *
	 * With snapshots, the element uses both streams of the camera: its pad has the
	 * frames of lores, and #GstCmacamSrc:stream has no effect. No other element can use
	 * the camera then. The camera keeps memory for two pictures, and for one more
	 * frame of this size.
	 *
	 * Since: 0.3
	 */
	g_object_class_install_property(
		object, PROP_STILL_CAPS,
		g_param_spec_boxed(
			"still-caps", "Still caps",
			"Caps of the pictures of the signal snapshot (null: no snapshots); "
			"video/x-raw chooses the largest size",
			GST_TYPE_CAPS,
			GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
				    GST_PARAM_MUTABLE_READY)));

	/**
	 * GstCmacamSrc:control-limits:
	 *
	 * A structure with `min`, `max` and `default` for each control of the open
	 * camera. The property is null before PAUSED.
	 *
	 * Since: 0.1
	 */
	g_object_class_install_property(
		object, PROP_CONTROL_LIMITS,
		g_param_spec_boxed(
			"control-limits", "Control limits",
			"Minimum, maximum and default of each control of the open camera "
			"(null before PAUSED)",
			GST_TYPE_STRUCTURE,
			GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));

	installControls(object, PROP_CONTROLS);
	gst_type_mark_as_plugin_api(GST_TYPE_CMACAM_STREAM, GstPluginAPIFlags(0));
	gst_type_mark_as_plugin_api(GST_TYPE_CMACAM_ON_DISCONNECT, GstPluginAPIFlags(0));
}

} /* namespace cmacam::gst */
