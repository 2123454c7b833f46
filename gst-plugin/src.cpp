/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The element cmacamsrc: frames of a cmacam camera as dma-bufs.
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
 * pipeline has. The buffer offset is the camera's frame number; lost frames
 * show as a gap there, as a DISCONT flag and in a QoS message.
 *
 * libcamera allows one user per process: cmacamsrc and libcamerasrc cannot run
 * in the same one.
 *
 * ## Example
 * |[
 * gst-launch-1.0 cmacamsrc num-buffers=100 ! video/x-raw,width=1920,height=1080 ! fakesink
 * ]|
 */
#include "src.h"

#include <memory>
#include <mutex>
#include <new>
#include <string>

#include <gst/video/video.h>

#include "caps.h"
#include "clock.h"
#include "frame_buffer.h"
#include "memory.h"
#include "session.h"

GST_DEBUG_CATEGORY_STATIC(cmacam_src_debug);
#define GST_CAT_DEFAULT cmacam_src_debug

using namespace cmacam;

namespace {

enum {
	PROP_0,
	PROP_CAMERA_NAME,
};

/* What the streaming thread alone uses, between negotiation and stop. */
struct Stream
{
	StreamSettings settings;
	bool configured = false;
	FrameWriter writer;
	bool copying = false;
	bool copyReported = false;
	/* An error has been posted: the stream ends. */
	bool failed = false;
	guint64 delivered = 0;
	guint64 lost = 0;
	GstClockTime lastTime = GST_CLOCK_TIME_NONE;
};

struct State
{
	/* Guards what other threads read (queries, unlock, state changes). */
	std::mutex mutex;
	std::string cameraName;
	std::shared_ptr<CameraSession> session;
	std::shared_ptr<FramePool> pool;
	GstClockTime frameDuration = GST_CLOCK_TIME_NONE;
	size_t bufferCount = 0;

	Stream stream;
};

} /* namespace */

struct _GstCmacamSrc
{
	GstPushSrc parent;
	State state;
};

G_DEFINE_FINAL_TYPE_WITH_CODE(GstCmacamSrc, gst_cmacam_src, GST_TYPE_PUSH_SRC,
			      GST_DEBUG_CATEGORY_INIT(cmacam_src_debug, "cmacamsrc", 0,
						      "cmacam camera source"))
GST_ELEMENT_REGISTER_DEFINE(cmacamsrc, "cmacamsrc", GST_RANK_PRIMARY, GST_TYPE_CMACAM_SRC)

static std::shared_ptr<CameraSession> sessionOf(GstCmacamSrc *self)
{
	std::lock_guard lock(self->state.mutex);
	return self->state.session;
}

/*
 * The element this thread is taking from PLAYING to PAUSED. GstBaseSrc unlocks
 * create() for that, and if PLAYING follows before the streaming thread is back
 * from there, it takes the FLUSHING of the pause for the end and stops its task
 * for good. A pause needs no unlocking: a paused session delivers nothing, and
 * create() simply waits on.
 */
static thread_local const GstCmacamSrc *pausingHere;

static void postError(GstCmacamSrc *self, const Error &error)
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

/*
 * GstBaseSrc posts an error of its own for every failing return value, on top
 * of the one that says what is wrong. The stream ends as on EOS instead: one
 * error, and sinks and muxers finish what they have.
 */
static GstFlowReturn endWithError(GstCmacamSrc *self, const Error &error)
{
	postError(self, error);
	self->state.stream.failed = true;
	return GST_FLOW_EOS;
}

static void releaseStream(GstCmacamSrc *self)
{
	std::shared_ptr<CameraSession> session;
	std::shared_ptr<FramePool> pool;

	{
		std::lock_guard lock(self->state.mutex);
		session = self->state.session;
		pool = std::move(self->state.pool);
		self->state.frameDuration = GST_CLOCK_TIME_NONE;
	}

	/* First: a buffer that comes back from now on is freed, not queued. */
	if (pool)
		pool->retire();
	if (session)
		session->stop();
}

static bool openCamera(GstCmacamSrc *self)
{
	MaybeError error;
	std::string name;

	{
		std::lock_guard lock(self->state.mutex);
		name = self->state.cameraName;
	}

	std::shared_ptr<CameraSession> session = CameraSession::open(name, error);
	if (!session) {
		postError(self, *error);
		return false;
	}

	GST_INFO_OBJECT(self, "opened camera %s", session->id().c_str());
	std::lock_guard lock(self->state.mutex);
	self->state.session = std::move(session);
	self->state.stream = {};
	return true;
}

static void closeCamera(GstCmacamSrc *self)
{
	releaseStream(self);

	/* Released without the lock: the last user stops libcamera's thread. */
	std::shared_ptr<CameraSession> session;
	std::lock_guard lock(self->state.mutex);
	session.swap(self->state.session);
}

/*
 * The camera is opened on the way to PAUSED rather than READY: by then every
 * element of the pipeline has opened its devices, so a libcamerasrc beside us
 * is found here, in an error, and does not find us, in an abort.
 */
static GstStateChangeReturn changeState(GstElement *element, GstStateChange transition)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(element);

	if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !openCamera(self))
		return GST_STATE_CHANGE_FAILURE;

	if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED) {
		sessionOf(self)->setPaused(true);
		pausingHere = self;
	}

	const GstStateChangeReturn ret =
		GST_ELEMENT_CLASS(gst_cmacam_src_parent_class)->change_state(element, transition);

	pausingHere = nullptr;
	if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
		sessionOf(self)->setPaused(false);

	if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
	    (transition == GST_STATE_CHANGE_READY_TO_PAUSED && ret == GST_STATE_CHANGE_FAILURE))
		closeCamera(self);

	return ret;
}

static GstCaps *getCaps(GstBaseSrc *base, GstCaps *filter)
{
	const std::shared_ptr<CameraSession> session = sessionOf(GST_CMACAM_SRC(base));
	CapsPtr caps(session ? offerCaps(session->offer()).release()
			     : gst_pad_get_pad_template_caps(GST_BASE_SRC_PAD(base)));

	if (filter)
		caps.reset(gst_caps_intersect_full(filter, caps.get(), GST_CAPS_INTERSECT_FIRST));

	return caps.release();
}

static GstCaps *fixate(GstBaseSrc *base, GstCaps *caps)
{
	const std::shared_ptr<CameraSession> session = sessionOf(GST_CMACAM_SRC(base));

	return fixateCaps(CapsPtr(caps), session->offer()).release();
}

static gboolean setCaps(GstBaseSrc *base, GstCaps *caps)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	Stream &stream = self->state.stream;
	const std::optional<StreamSettings> settings = settingsFromCaps(caps);

	if (!settings)
		return FALSE;

	if (stream.configured && stream.settings == *settings)
		return TRUE;

	/* The hardware follows in decideAllocation(), which knows how many buffers. */
	releaseStream(self);
	stream.settings = *settings;
	stream.configured = false;

	return TRUE;
}

static MaybeError configure(GstCmacamSrc *self, unsigned int extraBuffers)
{
	State &state = self->state;
	Stream &stream = state.stream;
	const std::shared_ptr<CameraSession> session = sessionOf(self);

	MaybeError error = session->configure(stream.settings, extraBuffers);
	if (error && error->kind == Error::Kind::NoSpace && extraBuffers > 0) {
		/* What the peer asks for is a wish; the camera's own number is a need. */
		GST_WARNING_OBJECT(self, "no memory for %u buffers more: %s", extraBuffers,
				   error->message.c_str());
		error = session->configure(stream.settings, 0);
	}
	if (error)
		return error;

	const PlaneLayout &first = session->planes().front();
	const PlaneLayout &last = session->planes().back();
	/* The reference is safe: releaseStream() retires the pool first. */
	std::shared_ptr<FramePool> pool = FramePool::create(
		session->bufferFds(), first.offset, last.offset + last.length - first.offset,
		[&camera = *session](size_t buffer) { camera.queue(buffer); });
	if (!pool)
		return Error{Error::Kind::Open, "Too many open files for the camera's buffers",
			     "FramePool::create()"};

	stream.writer = FrameWriter(*findFormat(stream.settings.format), stream.settings.size,
				    session->planes());
	stream.configured = true;

	std::lock_guard lock(state.mutex);
	state.pool = std::move(pool);
	state.bufferCount = session->bufferCount();
	if (stream.settings.frameDuration.count())
		state.frameDuration =
			std::chrono::nanoseconds(stream.settings.frameDuration).count();

	return {};
}

static gboolean decideAllocation(GstBaseSrc *base, GstQuery *query)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	Stream &stream = self->state.stream;
	guint wanted = 0;

	if (stream.failed)
		return TRUE;

	if (gst_query_get_n_allocation_pools(query) > 0)
		gst_query_parse_nth_allocation_pool(query, 0, nullptr, nullptr, &wanted, nullptr);

	/* Frames are captured into the camera's own memory, never the peer's. */
	while (gst_query_get_n_allocation_pools(query) > 0)
		gst_query_remove_nth_allocation_pool(query, 0);

	if (!stream.configured) {
		if (MaybeError error = configure(self, wanted)) {
			endWithError(self, *error);
			return TRUE;
		}
		gst_element_post_message(GST_ELEMENT(self),
					 gst_message_new_latency(GST_OBJECT(self)));
	}

	GstCaps *caps;
	gst_query_parse_allocation(query, &caps, nullptr);
	stream.copying = !stream.writer.layoutIsDefault() && !wantsDmabufs(caps) &&
			 !gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
	if (stream.copying && !std::exchange(stream.copyReported, true))
		GST_ELEMENT_WARNING(self, STREAM, FORMAT,
				    ("Every frame is copied: the element after cmacamsrc cannot "
				     "handle the stride of this camera at this size"),
				    ("no GstVideoMeta in the peer's ALLOCATION reply"));

	return TRUE;
}

static gboolean negotiate(GstBaseSrc *base)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	const std::shared_ptr<CameraSession> session = sessionOf(self);

	if (GST_BASE_SRC_CLASS(gst_cmacam_src_parent_class)->negotiate(base))
		return TRUE;
	if (GST_PAD_IS_FLUSHING(GST_BASE_SRC_PAD(base)))
		return FALSE;

	const CapsPtr peer(gst_pad_peer_query_caps(GST_BASE_SRC_PAD(base), nullptr));
	const StringPtr wanted(gst_caps_to_string(peer.get()));

	endWithError(self, {Error::Kind::Settings,
			    "Camera '" + session->id() + "' cannot deliver " + wanted.get() +
				    "; it offers " + describeOffer(session->offer()),
			    "no caps in common with the peer"});

	/* create() ends the stream. */
	return TRUE;
}

static gboolean unlock(GstBaseSrc *base)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	if (pausingHere == self)
		return TRUE;

	if (const std::shared_ptr<CameraSession> session = sessionOf(self))
		session->setFlushing(true);
	return TRUE;
}

static gboolean unlockStop(GstBaseSrc *base)
{
	if (const std::shared_ptr<CameraSession> session = sessionOf(GST_CMACAM_SRC(base)))
		session->setFlushing(false);
	return TRUE;
}

static gboolean query(GstBaseSrc *base, GstQuery *query)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);

	if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
		return GST_BASE_SRC_CLASS(gst_cmacam_src_parent_class)->query(base, query);

	std::lock_guard lock(self->state.mutex);
	if (!GST_CLOCK_TIME_IS_VALID(self->state.frameDuration))
		return FALSE;

	/* A frame is complete one interval after its stamp; at worst all wait. */
	gst_query_set_latency(query, TRUE, self->state.frameDuration,
			      self->state.frameDuration * self->state.bufferCount);
	return TRUE;
}

static GstClockTime presentationTime(GstCmacamSrc *self, guint64 captured)
{
	Stream &stream = self->state.stream;
	const ClockPtr clock(gst_element_get_clock(GST_ELEMENT(self)));
	if (!clock)
		return GST_CLOCK_TIME_NONE;

	const GstClockTime time = runningTime(captured, readClocks(clock.get()),
					      gst_element_get_base_time(GST_ELEMENT(self)));
	stream.lastTime = inOrder(time, stream.lastTime);

	return stream.lastTime;
}

static void reportLost(GstCmacamSrc *self, const CompletedFrame &frame, GstBuffer *buffer)
{
	Stream &stream = self->state.stream;
	const GstClockTime time = GST_BUFFER_PTS(buffer);

	stream.lost += frame.lost;
	GST_WARNING_OBJECT(self, "%u frames lost before frame %u", frame.lost, frame.sequence);

	GstMessage *message = gst_message_new_qos(GST_OBJECT(self), TRUE, time, time, time,
						  GST_BUFFER_DURATION(buffer));
	gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, stream.delivered, stream.lost);
	gst_element_post_message(GST_ELEMENT(self), message);
}

static GstFlowReturn create(GstPushSrc *push, GstBuffer **out)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(push);
	Stream &stream = self->state.stream;
	const std::shared_ptr<CameraSession> session = sessionOf(self);
	CompletedFrame frame;

	if (stream.failed)
		return GST_FLOW_EOS;

	/* The base class gets here in PLAYING only: no frame is older than that. */
	if (!session->streaming()) {
		if (MaybeError error = session->start())
			return endWithError(self, *error);
		GST_INFO_OBJECT(self, "streaming with %zu buffers", session->bufferCount());
	}

	switch (session->waitFrame(frame)) {
	case CameraSession::Wait::Flushing:
		return GST_FLOW_FLUSHING;
	case CameraSession::Wait::Lost:
		return endWithError(self, session->lostError());
	case CameraSession::Wait::Frame:
		break;
	}

	MemoryPtr memory = self->state.pool->take(frame.buffer);
	BufferPtr buffer = stream.copying ? stream.writer.copy(memory.get())
					  : stream.writer.wrap(std::move(memory));
	if (!buffer)
		return endWithError(self, {Error::Kind::Open, "A frame could not be mapped",
					   "gst_memory_map()"});

	GST_BUFFER_PTS(buffer.get()) = presentationTime(self, frame.timestamp);
	GST_BUFFER_DURATION(buffer.get()) =
		frame.duration ? frame.duration : self->state.frameDuration;
	GST_BUFFER_OFFSET(buffer.get()) = frame.sequence;
	GST_BUFFER_OFFSET_END(buffer.get()) = guint64(frame.sequence) + 1;
	if (frame.discontinuous)
		GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
	if (frame.corrupted)
		GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_CORRUPTED);

	stream.delivered++;
	if (frame.lost)
		reportLost(self, frame, buffer.get());

	*out = buffer.release();
	return GST_FLOW_OK;
}

static void setProperty(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
	State &state = GST_CMACAM_SRC(object)->state;

	switch (id) {
	case PROP_CAMERA_NAME: {
		const gchar *name = g_value_get_string(value);
		std::lock_guard lock(state.mutex);
		state.cameraName = name ? name : "";
		break;
	}
	default:
		G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
	}
}

static void getProperty(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
	State &state = GST_CMACAM_SRC(object)->state;

	switch (id) {
	case PROP_CAMERA_NAME: {
		std::lock_guard lock(state.mutex);
		g_value_set_string(value,
				   state.cameraName.empty() ? nullptr : state.cameraName.c_str());
		break;
	}
	default:
		G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
	}
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

static void gst_cmacam_src_class_init(GstCmacamSrcClass *klass)
{
	GObjectClass *object = G_OBJECT_CLASS(klass);
	GstElementClass *element = GST_ELEMENT_CLASS(klass);
	GstBaseSrcClass *base = GST_BASE_SRC_CLASS(klass);
	const CapsPtr caps = templateCaps();

	object->set_property = setProperty;
	object->get_property = getProperty;
	object->finalize = finalize;

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

	element->change_state = changeState;
	gst_element_class_set_static_metadata(element, "cmacam camera source",
					      "Source/Video/Hardware",
					      "Captures from a cmacam camera board into dma-bufs "
					      "without a copy",
					      "the cmacam project");
	gst_element_class_add_pad_template(
		element, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps.get()));

	base->get_caps = getCaps;
	base->fixate = fixate;
	base->set_caps = setCaps;
	base->decide_allocation = decideAllocation;
	base->negotiate = negotiate;
	base->unlock = unlock;
	base->unlock_stop = unlockStop;
	base->query = query;
	GST_PUSH_SRC_CLASS(klass)->create = create;
}
