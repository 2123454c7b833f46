/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The element cmacamsrc: states, and the camera that they open and close.
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
 * How a frame was exposed stands in a #GstCustomMeta of the buffer with the name
 * `GstCmacamFrame`, which elements that convert or encode the frame copy to their
 * result. Its fields are sequence and lost (uint), timestamp and wall-clock (uint64,
 * ns), exposure-time and frame-duration (int64, microseconds), analogue-gain and
 * digital-gain (double), and ae-state (string).
 *
 * Every control of libcamera is a property of the same name. One that is not
 * set stays at the camera's default; read, it is what the last frame was taken
 * with. What the camera at hand takes is in #GstCmacamSrc:control-limits; a
 * value outside, or a control the camera does not have, is an error at the
 * start, and a warning that changes nothing while frames flow.
 *
 * A camera has two streams of the same frames, #GstCmacamSrc:stream main and
 * lores, for one element each. They share the sensor, its controls and its
 * frame rate, and may start and stop in any order; frames of the same moment
 * have the same timestamp and offset.
 *
 * With #GstCmacamSrc:still-caps, the action signal #GstCmacamSrc::snapshot takes full
 * pictures beside the frames of the pad, which then come from lores.
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
 * |[
 * gst-launch-1.0 cmacamsrc ! video/x-raw,width=1920,height=1080 ! x264enc ! matroskamux ! filesink
 * location=a.mkv \ cmacamsrc stream=lores ! video/x-raw,width=320,height=240 ! videoconvert !
 * autovideosink
 * ]|
 */
#include "src.h"

#include <cerrno>
#include <new>
#include <string>

#include "caps.h"
#include "foreign_manager.h"
#include "manager.h"
#include "open_stream.h"
#include "src_state.h"

GST_DEBUG_CATEGORY(cmacam_src_debug);

using namespace cmacam;
using namespace cmacam::gst;

G_DEFINE_FINAL_TYPE_WITH_CODE(GstCmacamSrc, gst_cmacam_src, GST_TYPE_PUSH_SRC,
			      G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER, uriHandlerInit)
				      GST_DEBUG_CATEGORY_INIT(cmacam_src_debug, "cmacamsrc", 0,
							      "cmacam camera source"))
GST_ELEMENT_REGISTER_DEFINE(cmacamsrc, "cmacamsrc", GST_RANK_PRIMARY, GST_TYPE_CMACAM_SRC)

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

std::shared_ptr<Stills> cmacam::gst::stillsOf(GstCmacamSrc *self)
{
	std::lock_guard lock(self->state.mutex);
	return self->state.stills;
}

std::shared_ptr<PeerPool> cmacam::gst::peerOf(GstCmacamSrc *self)
{
	std::lock_guard lock(self->state.mutex);
	return self->state.peer;
}

/* GStreamer's code for an errno of the session; ENODEV has @gone. */
static GstResourceError resourceError(int code, GstResourceError gone)
{
	switch (code) {
	case ENODEV:
		return gone;
	case EIO:
	case ETIMEDOUT:
		return GST_RESOURCE_ERROR_READ;
	case ECANCELED:
		return GST_RESOURCE_ERROR_FAILED;
	case EACCES:
		return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
	case EBUSY:
		return GST_RESOURCE_ERROR_BUSY;
	case EINVAL:
	case ERANGE:
		return GST_RESOURCE_ERROR_SETTINGS;
	case ENOMEM:
		return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
	default:
		return GST_RESOURCE_ERROR_OPEN_READ;
	}
}

static void post(GstCmacamSrc *self, GstMessageType type, const Error &error, GstResourceError gone)
{
	gst_element_message_full(
		GST_ELEMENT(self), type, GST_RESOURCE_ERROR, resourceError(error.code, gone),
		g_strdup(error.what.c_str()),
		g_strdup_printf("errno %d: %s", error.code, g_strerror(error.code)), __FILE__,
		GST_FUNCTION, __LINE__);
}

void cmacam::gst::postError(GstCmacamSrc *self, const Error &error, GstResourceError gone)
{
	post(self, GST_MESSAGE_ERROR, error, gone);
}

void cmacam::gst::postWarning(GstCmacamSrc *self, const Error &error)
{
	post(self, GST_MESSAGE_WARNING, error, GST_RESOURCE_ERROR_READ);
}

Result<void> cmacam::gst::openCamera(GstCmacamSrc *self)
{
	State &state = self->state;
	std::string name;
	std::shared_ptr<libcamera::Camera> gone;
	CapsPtr stillCaps;

	{
		std::lock_guard lock(state.mutex);
		gone = state.gone;
		name = gone ? gone->id() : state.cameraName;
		if (state.stillCaps)
			stillCaps.reset(gst_caps_ref(state.stillCaps.get()));
		state.which = stillCaps ? Stream::Lores : state.streamName;
	}

	Result<std::shared_ptr<CameraSession>> opened = openStream(name, state.which, gone.get());
	if (!opened)
		return opened.error();
	std::shared_ptr<CameraSession> session = *std::move(opened);
	std::shared_ptr<Stills> stills;
	if (stillCaps) {
		auto created = Stills::create(*session, gone.get(), stillCaps.get());
		if (!created)
			return created.error();
		stills = *std::move(created);
	}
	if (Result<void> result = state.controls.attach(session->id(), session->controls());
	    !result) {
		state.controls.detach();
		return result;
	}

	GST_INFO_OBJECT(self, "opened camera %s, stream %s, stills of %" GST_PTR_FORMAT,
			session->id().c_str(), state.which == Stream::Main ? "main" : "lores",
			static_cast<void *>(stills ? stills->caps() : nullptr));
	std::lock_guard lock(state.mutex);
	session->setFlushing(state.which, state.flushing);
	session->setPaused(state.which, state.paused);
	state.session = std::move(session);
	state.stills = std::move(stills);
	return {};
}

void cmacam::gst::closeCamera(GstCmacamSrc *self)
{
	State &state = self->state;

	GST_DEBUG_OBJECT(self, "closing the camera");
	releaseStream(self);
	state.controls.detach();

	/* Released without the lock: the last user stops libcamera's thread. */
	std::shared_ptr<CameraSession> session;
	std::shared_ptr<Stills> stills;
	{
		std::lock_guard lock(state.mutex);
		session.swap(state.session);
		stills.swap(state.stills);
	}
	if (stills)
		stills->close();
}

static void setPaused(GstCmacamSrc *self, bool paused)
{
	GST_DEBUG_OBJECT(self, "%s", paused ? "paused: frames are recycled unseen" : "playing");
	std::lock_guard lock(self->state.mutex);
	self->state.paused = paused;
	if (self->state.session)
		self->state.session->setPaused(self->state.which, paused);
}

static void setFlushing(GstCmacamSrc *self, bool flushing)
{
	GST_DEBUG_OBJECT(self, "%s", flushing ? "flushing" : "flushing no more");
	std::lock_guard lock(self->state.mutex);
	self->state.flushing = flushing;
	if (self->state.session)
		self->state.session->setFlushing(self->state.which, flushing);
	if (self->state.watch)
		self->state.watch->setFlushing(flushing);
	if (self->state.peer)
		self->state.peer->setFlushing(flushing);
}

static bool prepare(GstCmacamSrc *self)
{
	self->state.stream = {};
	const Result<void> result = openCamera(self);
	if (!result)
		postError(self, result.error(), GST_RESOURCE_ERROR_NOT_FOUND);
	return result.has_value();
}

static void unprepare(GstCmacamSrc *self)
{
	closeCamera(self);
	self->state.stream.offered = {};

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

static void finalizeSource(GObject *object)
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

static void gst_cmacam_src_class_init(GstCmacamSrcClass *klass)
{
	GObjectClass *object = G_OBJECT_CLASS(klass);
	GstElementClass *element = GST_ELEMENT_CLASS(klass);
	GstBaseSrcClass *base = GST_BASE_SRC_CLASS(klass);
	const CapsPtr caps = templateCaps();

	setManagerSource(libcameraPluginManager);
	object->finalize = finalizeSource;
	installProperties(object);
	installSignals(object);

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
	installNegotiation(base);
	installFrames(GST_PUSH_SRC_CLASS(klass));
}
