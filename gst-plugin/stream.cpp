/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stream of cmacamsrc: negotiation, buffers, frames.
 */
#include <algorithm>
#include <cstdlib>
#include <utility>

#include <gst/video/video.h>

#include "caps.h"
#include "clock.h"
#include "src_state.h"

#define GST_CAT_DEFAULT cmacam_src_debug

namespace cmacam::gst {

namespace {

/* The class of GstPushSrc, which does what we do not. */
GstBaseSrcClass *parentClass;

/*
 * GstBaseSrc posts an error of its own for every failing return value, on top
 * of the one that says what is wrong. The stream ends as on EOS instead: one
 * error, and sinks and muxers finish what they have.
 */
GstFlowReturn endWithError(GstCmacamSrc *self, const Error &error)
{
	postError(self, error);
	self->state.stream.failed = true;
	return GST_FLOW_EOS;
}

void postLatency(GstCmacamSrc *self)
{
	gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

/* What the camera offers within the frame durations the user has allowed. */
CameraOffer offerOf(GstCmacamSrc *self, const CameraSession &session)
{
	CameraOffer offer = session.offer();

	if (const auto limits = self->state.controls.frameDurations()) {
		const auto fit = [&](std::chrono::microseconds duration) {
			return std::clamp(duration, session.offer().minDuration,
					  session.offer().maxDuration);
		};
		offer.minDuration = fit(limits->first);
		offer.maxDuration = fit(limits->second);
	}

	return offer;
}

GstCaps *getCaps(GstBaseSrc *base, GstCaps *filter)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	const std::shared_ptr<CameraSession> session = sessionOf(self);
	CapsPtr caps(session ? offerCaps(offerOf(self, *session)).release()
			     : gst_pad_get_pad_template_caps(GST_BASE_SRC_PAD(base)));

	if (filter)
		caps.reset(gst_caps_intersect_full(filter, caps.get(), GST_CAPS_INTERSECT_FIRST));

	return caps.release();
}

GstCaps *fixate(GstBaseSrc *base, GstCaps *caps)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	const std::shared_ptr<CameraSession> session = sessionOf(self);

	return fixateCaps(CapsPtr(caps), offerOf(self, *session)).release();
}

gboolean setCaps(GstBaseSrc *base, GstCaps *caps)
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

/* Whether the session took the settings, with the buffers the peer wants if it can. */
MaybeError configureSession(GstCmacamSrc *self, CameraSession &session)
{
	const Stream &stream = self->state.stream;

	MaybeError error = session.configure(stream.settings, stream.extraBuffers);
	if (error && error->kind == Error::Kind::NoSpace && stream.extraBuffers > 0) {
		/* What the peer asks for is a wish; the camera's own number is a need. */
		GST_WARNING_OBJECT(self, "no memory for %u buffers more: %s", stream.extraBuffers,
				   error->message.c_str());
		error = session.configure(stream.settings, 0);
	}
	return error;
}

MaybeError configure(GstCmacamSrc *self)
{
	State &state = self->state;
	Stream &stream = state.stream;
	const std::shared_ptr<CameraSession> session = sessionOf(self);

	if (MaybeError error = configureSession(self, *session))
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

	{
		std::lock_guard lock(state.mutex);
		state.pool = std::move(pool);
		state.bufferCount = session->bufferCount();
		/* Of a variable rate the shortest frame, until frames tell. */
		const std::chrono::microseconds duration = stream.settings.frameDuration.count()
								   ? stream.settings.frameDuration
								   : session->offer().minDuration;
		if (duration.count())
			state.frameDuration = std::chrono::nanoseconds(duration).count();
	}

	postLatency(self);
	return {};
}

gboolean decideAllocation(GstBaseSrc *base, GstQuery *query)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	Stream &stream = self->state.stream;
	guint wanted = 0;
	GstCaps *caps;

	if (stream.failed)
		return TRUE;

	if (gst_query_get_n_allocation_pools(query) > 0)
		gst_query_parse_nth_allocation_pool(query, 0, nullptr, nullptr, &wanted, nullptr);

	/* Frames are captured into the camera's own memory, never the peer's. */
	while (gst_query_get_n_allocation_pools(query) > 0)
		gst_query_remove_nth_allocation_pool(query, 0);

	if (!stream.configured) {
		stream.extraBuffers = wanted;
		if (MaybeError error = configure(self)) {
			endWithError(self, *error);
			return TRUE;
		}
	}

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

gboolean negotiate(GstBaseSrc *base)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	const std::shared_ptr<CameraSession> session = sessionOf(self);

	/* While a camera that is gone is waited for, the caps stay as they are. */
	if (!session || parentClass->negotiate(base))
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

gboolean latency(GstCmacamSrc *self, GstQuery *query)
{
	std::lock_guard lock(self->state.mutex);
	if (!GST_CLOCK_TIME_IS_VALID(self->state.frameDuration))
		return FALSE;

	/* A frame is complete one interval after its stamp; at worst all wait. */
	gst_query_set_latency(query, TRUE, self->state.frameDuration,
			      self->state.frameDuration * self->state.bufferCount);
	return TRUE;
}

gboolean query(GstBaseSrc *base, GstQuery *query)
{
	if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
		return latency(GST_CMACAM_SRC(base), query);

	return parentClass->query(base, query);
}

/* Frames that got longer, or shorter, at a variable rate change the latency. */
void followDuration(GstCmacamSrc *self, GstClockTime duration)
{
	State &state = self->state;

	if (state.stream.settings.frameDuration.count() || duration == 0)
		return;

	{
		std::lock_guard lock(state.mutex);
		const GstClockTimeDiff change = GST_CLOCK_DIFF(state.frameDuration, duration);
		/* Less than a line time or two is rounding. */
		if (GST_CLOCK_TIME_IS_VALID(state.frameDuration) &&
		    std::abs(change) <= GstClockTimeDiff(state.frameDuration / 64))
			return;
		state.frameDuration = duration;
	}

	postLatency(self);
}

GstClockTime presentationTime(GstCmacamSrc *self, guint64 captured)
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

void reportLost(GstCmacamSrc *self, const CompletedFrame &frame, GstBuffer *buffer)
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

/* The frame as a buffer with all that is known of it. */
BufferPtr bufferOf(GstCmacamSrc *self, CameraSession &session, const CompletedFrame &frame)
{
	Stream &stream = self->state.stream;

	/* Before the memory can find its way back to the camera. */
	self->state.controls.setMetadata(session.metadata(frame.buffer));

	MemoryPtr memory = self->state.pool->take(frame.buffer);
	BufferPtr buffer = stream.copying ? stream.writer.copy(memory.get())
					  : stream.writer.wrap(std::move(memory));
	if (!buffer)
		return nullptr;

	GST_BUFFER_PTS(buffer.get()) = presentationTime(self, frame.timestamp);
	GST_BUFFER_DURATION(buffer.get()) =
		frame.duration ? frame.duration : self->state.frameDuration;
	GST_BUFFER_OFFSET(buffer.get()) = frame.sequence;
	GST_BUFFER_OFFSET_END(buffer.get()) = guint64(frame.sequence) + 1;
	setReferenceTimes(
		buffer.get(),
		{frame.timestamp, frame.wallClock ? frame.wallClock : unixTime(frame.timestamp)});
	if (frame.discontinuous || std::exchange(stream.replugged, false))
		GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);
	if (frame.corrupted)
		GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_CORRUPTED);

	return buffer;
}

/* Properties that are animated have a new value for each frame. */
void passControlsOn(GstCmacamSrc *self, CameraSession &session, GstClockTime time)
{
	if (GST_CLOCK_TIME_IS_VALID(time))
		gst_object_sync_values(GST_OBJECT(self), time);
	if (self->state.controls.pending())
		session.setControls(self->state.controls.take());
}

MaybeError reopen(GstCmacamSrc *self)
{
	if (MaybeError error = openCamera(self))
		return error;
	if (MaybeError error = configure(self)) {
		closeCamera(self);
		return error;
	}
	self->state.stream.replugged = true;
	return {};
}

/* Watches before anybody looks for the camera: none comes unseen in between. */
void watchInstead(GstCmacamSrc *self, const CameraSession &session)
{
	State &state = self->state;

	std::lock_guard lock(state.mutex);
	state.gone = session.camera();
	state.watch = std::make_shared<CameraWatch>(session.manager());
	state.watch->setFlushing(state.flushing);
}

std::shared_ptr<CameraWatch> watchOf(GstCmacamSrc *self)
{
	std::lock_guard lock(self->state.mutex);
	return self->state.watch;
}

void postElementMessage(GstCmacamSrc *self, const char *name, const std::string &camera)
{
	gst_element_post_message(
		GST_ELEMENT(self),
		gst_message_new_element(
			GST_OBJECT(self),
			gst_structure_new(name, "camera", G_TYPE_STRING, camera.c_str(), nullptr)));
}

/*
 * on-disconnect=wait: FLUSHING if the element is to stop meanwhile, OK once the
 * camera streams again. An error other than that it is not there yet ends the
 * stream: a camera that came back different cannot deliver these caps.
 */
GstFlowReturn waitForCamera(GstCmacamSrc *self)
{
	if (std::shared_ptr<CameraSession> session = sessionOf(self)) {
		watchInstead(self, *session);
		GST_ELEMENT_WARNING(self, RESOURCE, READ,
				    ("Camera '%s' is gone; waiting for it to be plugged in again",
				     session->id().c_str()),
				    ("on-disconnect=wait"));
		postElementMessage(self, "cmacam-disconnected", session->id());
		closeCamera(self);
	}

	const std::shared_ptr<CameraWatch> watch = watchOf(self);
	for (;;) {
		const MaybeError error = reopen(self);
		if (!error)
			break;
		if (error->kind != Error::Kind::NotFound && error->kind != Error::Kind::Lost)
			return endWithError(self, *error);
		if (!watch->wait())
			return GST_FLOW_FLUSHING;
	}

	{
		std::lock_guard lock(self->state.mutex);
		self->state.watch.reset();
		self->state.gone.reset();
	}
	postElementMessage(self, "cmacam-connected", sessionOf(self)->id());
	return GST_FLOW_OK;
}

GstFlowReturn lose(GstCmacamSrc *self, const Error &error)
{
	OnDisconnect reaction;

	{
		std::lock_guard lock(self->state.mutex);
		reaction = self->state.onDisconnect;
	}
	return reaction == DISCONNECT_WAIT ? waitForCamera(self) : endWithError(self, error);
}

/* Until there is one: OK. The frame belongs to the session that sessionOf() gives. */
GstFlowReturn nextFrame(GstCmacamSrc *self, CompletedFrame &frame)
{
	for (;;) {
		std::shared_ptr<CameraSession> session = sessionOf(self);
		if (!session) {
			if (GstFlowReturn flow = waitForCamera(self); flow != GST_FLOW_OK)
				return flow;
			continue;
		}

		MaybeError error;
		/* The base class gets here in PLAYING only: no frame is older than that. */
		if (!session->streaming()) {
			error = session->start(self->state.controls.all());
			if (error && error->kind != Error::Kind::Lost)
				return endWithError(self, *error);
			GST_INFO_OBJECT(self, "streaming with %zu buffers", session->bufferCount());
		}

		if (!error) {
			switch (session->waitFrame(frame)) {
			case CameraSession::Wait::Flushing:
				return GST_FLOW_FLUSHING;
			case CameraSession::Wait::Frame:
				return GST_FLOW_OK;
			case CameraSession::Wait::Lost:
				error = session->lostError();
			}
		}

		/* Let go of here, lest its buffers outlive it for nobody. */
		session.reset();
		if (GstFlowReturn flow = lose(self, *error); flow != GST_FLOW_OK)
			return flow;
	}
}

GstFlowReturn create(GstPushSrc *push, GstBuffer **out)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(push);
	Stream &stream = self->state.stream;
	CompletedFrame frame;

	if (stream.failed)
		return GST_FLOW_EOS;

	if (GstFlowReturn flow = nextFrame(self, frame); flow != GST_FLOW_OK)
		return flow;

	const std::shared_ptr<CameraSession> session = sessionOf(self);
	BufferPtr buffer = bufferOf(self, *session, frame);
	if (!buffer)
		return endWithError(self, {Error::Kind::Open, "A frame could not be mapped",
					   "gst_memory_map()"});

	stream.delivered++;
	if (frame.lost)
		reportLost(self, frame, buffer.get());
	followDuration(self, frame.duration);
	passControlsOn(self, *session, GST_BUFFER_PTS(buffer.get()));

	*out = buffer.release();
	return GST_FLOW_OK;
}

} /* namespace */

void releaseStream(GstCmacamSrc *self)
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

void installStream(GstBaseSrcClass *base, GstPushSrcClass *push)
{
	parentClass = GST_BASE_SRC_CLASS(g_type_class_peek_parent(base));

	base->get_caps = getCaps;
	base->fixate = fixate;
	base->set_caps = setCaps;
	base->decide_allocation = decideAllocation;
	base->negotiate = negotiate;
	base->query = query;
	push->create = create;
}

} /* namespace cmacam::gst */
