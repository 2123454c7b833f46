/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The element cmacamsrc: states, properties, URIs.
 */

/**
 * SECTION:element-cmacamsrc
 * @title: cmacamsrc
 *
 * A live source for cmacam camera boards. Each buffer is the dma-buf the
 * board's DMA engine has written, with a #GstVideoMeta for its layout; it goes
 * back to the camera when the last reference to its memory goes. Nothing is
 * copied, unless the peer cannot handle #GstVideoMeta and the camera's stride
 * is not GStreamer's own: a warning says so once.
 *
 * Timestamps are the start of exposure in running time, whatever clock the
 * pipeline has. Two #GstReferenceTimestampMeta tell the same instant on
 * CLOCK_MONOTONIC (timestamp/x-clock-monotonic) and since 1970
 * (timestamp/x-unix). The buffer offset is the camera's frame number; lost
 * frames show as a gap there, as a DISCONT flag and in a QoS message. A frame
 * the board reports an error for has the flag CORRUPTED.
 *
 * Every control of libcamera is a property of the same name. One that is not
 * set stays at the camera's default; read, it is what the last frame was taken
 * with. What the camera at hand takes is in #GstCmacamSrc:control-limits; a
 * value outside, or a control the camera does not have, is an error at the
 * start, and a warning that changes nothing while frames flow.
 *
 * All elements of a process share one libcamera. A libcamerasrc may start after
 * a cmacamsrc; if it was first, cmacamsrc refuses to start.
 *
 * ## Examples
 * |[
 * gst-launch-1.0 cmacamsrc num-buffers=100 ! video/x-raw,width=1920,height=1080 ! fakesink
 * ]|
 * |[
 * gst-launch-1.0 cmacamsrc ae-enable=false exposure-time=5000 ! videoconvert ! autovideosink
 * ]|
 */
#include "src.h"

#include <new>
#include <string>

#include <libcamera/control_ids.h>

#include "caps.h"
#include "control_texts.h"
#include "src_state.h"

GST_DEBUG_CATEGORY(cmacam_src_debug);
#define GST_CAT_DEFAULT cmacam_src_debug

using namespace cmacam::gst;

namespace {

enum {
	PROP_0,
	PROP_CAMERA_NAME,
	PROP_ON_DISCONNECT,
	PROP_CONTROL_LIMITS,
	/* One for each control, in the order of controlTexts(). */
	PROP_CONTROLS,
};

constexpr const char *kScheme = "cmacam";

} /* namespace */

static void uriHandlerInit(gpointer interface, gpointer);

G_DEFINE_FINAL_TYPE_WITH_CODE(GstCmacamSrc, gst_cmacam_src, GST_TYPE_PUSH_SRC,
			      G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER, uriHandlerInit)
				      GST_DEBUG_CATEGORY_INIT(cmacam_src_debug, "cmacamsrc", 0,
							      "cmacam camera source"))
GST_ELEMENT_REGISTER_DEFINE(cmacamsrc, "cmacamsrc", GST_RANK_PRIMARY, GST_TYPE_CMACAM_SRC)

#define GST_TYPE_CMACAM_ON_DISCONNECT (gst_cmacam_on_disconnect_get_type())
static GType gst_cmacam_on_disconnect_get_type()
{
	static const GEnumValue values[] = {
		{DISCONNECT_STOP, "Post an error and end the stream", "stop"},
		{DISCONNECT_WAIT, "Post a warning and go on when the camera is plugged in again",
		 "wait"},
		{0, nullptr, nullptr},
	};
	static const GType type = g_enum_register_static("GstCmacamOnDisconnect", values);
	return type;
}

/*
 * The element this thread is taking from PLAYING to PAUSED. GstBaseSrc unlocks
 * create() for that, and if PLAYING follows before the streaming thread is back
 * from there, it takes the FLUSHING of the pause for the end and stops its task
 * for good. A pause needs no unlocking: a paused session delivers nothing, and
 * create() simply waits on.
 */
static thread_local const GstCmacamSrc *pausingHere;

std::shared_ptr<CameraSession> cmacam::gst::sessionOf(GstCmacamSrc *self)
{
	std::lock_guard lock(self->state.mutex);
	return self->state.session;
}

void cmacam::gst::postError(GstCmacamSrc *self, const Error &error)
{
	const char *message = error.message.c_str();
	const char *detail = error.detail.c_str();

	switch (error.kind) {
	case Error::Kind::NotFound:
		GST_ELEMENT_ERROR(self, RESOURCE, NOT_FOUND, ("%s", message), ("%s", detail));
		break;
	case Error::Kind::Busy:
		GST_ELEMENT_ERROR(self, RESOURCE, BUSY, ("%s", message), ("%s", detail));
		break;
	case Error::Kind::Open:
		GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ, ("%s", message), ("%s", detail));
		break;
	case Error::Kind::Settings:
		GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS, ("%s", message), ("%s", detail));
		break;
	case Error::Kind::NoSpace:
		GST_ELEMENT_ERROR(self, RESOURCE, NO_SPACE_LEFT, ("%s", message), ("%s", detail));
		break;
	case Error::Kind::Lost:
		GST_ELEMENT_ERROR(self, RESOURCE, READ, ("%s", message), ("%s", detail));
		break;
	}
}

MaybeError cmacam::gst::openCamera(GstCmacamSrc *self)
{
	State &state = self->state;
	MaybeError error;
	std::string name;
	std::shared_ptr<libcamera::Camera> gone;

	{
		std::lock_guard lock(state.mutex);
		gone = state.gone;
		name = gone ? gone->id() : state.cameraName;
	}

	std::shared_ptr<CameraSession> session = CameraSession::open(name, error, gone.get());
	if (!session)
		return error;
	if ((error = state.controls.attach(session->id(), session->controls()))) {
		state.controls.detach();
		return error;
	}

	GST_INFO_OBJECT(self, "opened camera %s", session->id().c_str());
	std::lock_guard lock(state.mutex);
	session->setFlushing(state.flushing);
	session->setPaused(state.paused);
	state.session = std::move(session);
	return {};
}

void cmacam::gst::closeCamera(GstCmacamSrc *self)
{
	State &state = self->state;

	releaseStream(self);
	state.controls.detach();

	/* Released without the lock: the last user stops libcamera's thread. */
	std::shared_ptr<CameraSession> session;
	std::lock_guard lock(state.mutex);
	session.swap(state.session);
}

static void setPaused(GstCmacamSrc *self, bool paused)
{
	std::lock_guard lock(self->state.mutex);
	self->state.paused = paused;
	if (self->state.session)
		self->state.session->setPaused(paused);
}

static void setFlushing(GstCmacamSrc *self, bool flushing)
{
	std::lock_guard lock(self->state.mutex);
	self->state.flushing = flushing;
	if (self->state.session)
		self->state.session->setFlushing(flushing);
	if (self->state.watch)
		self->state.watch->setFlushing(flushing);
}

static bool prepare(GstCmacamSrc *self)
{
	self->state.stream = {};
	if (MaybeError error = openCamera(self)) {
		postError(self, *error);
		return false;
	}
	return true;
}

static void unprepare(GstCmacamSrc *self)
{
	closeCamera(self);

	/* As the session above. */
	std::shared_ptr<CameraWatch> watch;
	std::shared_ptr<libcamera::Camera> gone;
	std::lock_guard lock(self->state.mutex);
	watch.swap(self->state.watch);
	gone.swap(self->state.gone);
	self->state.paused = false;
}

/*
 * The camera is opened on the way to PAUSED rather than READY: by then every
 * element of the pipeline has opened its devices, so another user of libcamera
 * beside us is found here, in an error, and does not find us, in an abort.
 */
static GstStateChangeReturn changeState(GstElement *element, GstStateChange transition)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(element);

	if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !prepare(self))
		return GST_STATE_CHANGE_FAILURE;

	if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) {
		setPaused(self, true);
		pausingHere = self;
	}

	const GstStateChangeReturn ret =
		GST_ELEMENT_CLASS(gst_cmacam_src_parent_class)->change_state(element, transition);

	pausingHere = nullptr;
	if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
		setPaused(self, false);

	if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
	    (transition == GST_STATE_CHANGE_READY_TO_PAUSED && ret == GST_STATE_CHANGE_FAILURE))
		unprepare(self);

	return ret;
}

static gboolean unlock(GstBaseSrc *base)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);

	if (pausingHere != self)
		setFlushing(self, true);
	return TRUE;
}

static gboolean unlockStop(GstBaseSrc *base)
{
	setFlushing(GST_CMACAM_SRC(base), false);
	return TRUE;
}

/* The user's wish for a camera, as the property and as a URI. */
static void setCameraName(GstCmacamSrc *self, const gchar *name)
{
	std::lock_guard lock(self->state.mutex);
	self->state.cameraName = name ? name : "";
}

static std::string cameraName(GstCmacamSrc *self)
{
	std::lock_guard lock(self->state.mutex);
	return self->state.cameraName;
}

static void setControl(GstCmacamSrc *self, guint index, const GValue *value)
{
	const MaybeError error = self->state.controls.set(index, value);

	if (error) {
		GST_ELEMENT_WARNING(self, RESOURCE, SETTINGS, ("%s", error->message.c_str()),
				    ("%s", error->detail.c_str()));
		return;
	}

	/* Other frame rates are possible now, and perhaps not the present one. */
	if (controlTexts()[index].id == &libcamera::controls::FrameDurationLimits)
		gst_pad_mark_reconfigure(GST_BASE_SRC_PAD(self));
}

static void setProperty(GObject *object, guint id, const GValue *value, GParamSpec *)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(object);

	switch (id) {
	case PROP_CAMERA_NAME:
		setCameraName(self, g_value_get_string(value));
		break;
	case PROP_ON_DISCONNECT: {
		std::lock_guard lock(self->state.mutex);
		self->state.onDisconnect = OnDisconnect(g_value_get_enum(value));
		break;
	}
	default:
		setControl(self, id - PROP_CONTROLS, value);
	}
}

static void getProperty(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(object);

	switch (id) {
	case PROP_CAMERA_NAME: {
		const std::string name = cameraName(self);
		g_value_set_string(value, name.empty() ? nullptr : name.c_str());
		break;
	}
	case PROP_ON_DISCONNECT: {
		std::lock_guard lock(self->state.mutex);
		g_value_set_enum(value, self->state.onDisconnect);
		break;
	}
	case PROP_CONTROL_LIMITS:
		g_value_take_boxed(value, self->state.controls.describe().release());
		break;
	default:
		self->state.controls.get(id - PROP_CONTROLS, value, pspec);
	}
}

static GstURIType uriType(GType)
{
	return GST_URI_SRC;
}

static const gchar *const *uriProtocols(GType)
{
	static const gchar *const protocols[] = {kScheme, nullptr};
	return protocols;
}

static gchar *getUri(GstURIHandler *handler)
{
	const std::string name = cameraName(GST_CMACAM_SRC(handler));
	const StringPtr escaped(g_uri_escape_string(name.c_str(), "/", FALSE));

	return g_strconcat(kScheme, "://", escaped.get(), nullptr);
}

static gboolean setUri(GstURIHandler *handler, const gchar *uri, GError **error)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(handler);

	GST_OBJECT_LOCK(self);
	const bool open = GST_STATE(self) > GST_STATE_READY;
	GST_OBJECT_UNLOCK(self);
	if (open) {
		g_set_error_literal(error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
				    "another camera can be chosen in NULL and READY only");
		return FALSE;
	}

	/* GStreamer has looked at the scheme. */
	const StringPtr location(gst_uri_get_location(uri));
	setCameraName(self, location.get());
	return TRUE;
}

static void uriHandlerInit(gpointer interface, gpointer)
{
	auto *handler = static_cast<GstURIHandlerInterface *>(interface);

	handler->get_type = uriType;
	handler->get_protocols = uriProtocols;
	handler->get_uri = getUri;
	handler->set_uri = setUri;
}

static void finalize(GObject *object)
{
	GST_CMACAM_SRC(object)->state.~State();
	G_OBJECT_CLASS(gst_cmacam_src_parent_class)->finalize(object);
}

/* GObject hands out zeroed memory: the C++ part is constructed in place. */
static void gst_cmacam_src_init(GstCmacamSrc *self)
{
	new (&self->state) State();

	gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
	gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
	gst_base_src_set_do_timestamp(GST_BASE_SRC(self), FALSE);
}

static void installProperties(GObjectClass *object)
{
	/**
	 * GstCmacamSrc:camera-name:
	 *
	 * The libcamera id of the camera, as `cam -l` lists it. Unset: the first
	 * cmacam camera.
	 *
	 * Since: 0.1
	 */
	g_object_class_install_property(
		object, PROP_CAMERA_NAME,
		g_param_spec_string("camera-name", "Camera name",
				    "libcamera id of the camera, as 'cam -l' lists it "
				    "(unset: the first cmacam camera)",
				    nullptr,
				    GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
						GST_PARAM_MUTABLE_READY)));

	/**
	 * GstCmacamSrc:on-disconnect:
	 *
	 * What to do when the camera is unplugged while it streams. With `wait`
	 * the messages cmacam-disconnected and cmacam-connected, of type element,
	 * tell the application; frame numbers begin anew with DISCONT.
	 *
	 * Since: 0.1
	 */
	g_object_class_install_property(
		object, PROP_ON_DISCONNECT,
		g_param_spec_enum("on-disconnect", "On disconnect",
				  "What to do when the camera is unplugged while it streams",
				  GST_TYPE_CMACAM_ON_DISCONNECT, DISCONNECT_STOP,
				  GParamFlags(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
					      GST_PARAM_MUTABLE_PLAYING)));

	/**
	 * GstCmacamSrc:control-limits:
	 *
	 * For each control that the camera has, a structure with `min`, `max` and
	 * `default`. Null before PAUSED.
	 *
	 * Since: 0.1
	 */
	g_object_class_install_property(
		object, PROP_CONTROL_LIMITS,
		g_param_spec_boxed("control-limits", "Control limits",
				   "What the open camera takes: min, max and default of each of "
				   "its controls (null before PAUSED)",
				   GST_TYPE_STRUCTURE,
				   GParamFlags(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));

	installControls(object, PROP_CONTROLS);
	gst_type_mark_as_plugin_api(GST_TYPE_CMACAM_ON_DISCONNECT, GstPluginAPIFlags(0));
}

static void gst_cmacam_src_class_init(GstCmacamSrcClass *klass)
{
	GObjectClass *object = G_OBJECT_CLASS(klass);
	GstElementClass *element = GST_ELEMENT_CLASS(klass);
	GstBaseSrcClass *base = GST_BASE_SRC_CLASS(klass);
	const CapsPtr caps = templateCaps();

	object->set_property = setProperty;
	object->get_property = getProperty;
	object->finalize = finalize;
	installProperties(object);

	element->change_state = changeState;
	gst_element_class_set_static_metadata(element, "cmacam camera source",
					      "Source/Video/Hardware",
					      "Captures from a cmacam camera board into dma-bufs "
					      "without a copy",
					      "the cmacam project");
	gst_element_class_add_pad_template(
		element, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps.get()));

	base->unlock = unlock;
	base->unlock_stop = unlockStop;
	installStream(base, GST_PUSH_SRC_CLASS(klass));
}
