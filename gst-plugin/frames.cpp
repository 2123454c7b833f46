/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stream of cmacamsrc: frames, what is told of them, and unplugging.
 */
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <utility>

#include <cmacam/last_error.h>

#include "clock.h"
#include "frame_fields.h"
#include "src_state.h"

namespace cmacam::gst {

namespace {

GstClockTime nanoseconds(std::chrono::nanoseconds duration)
{
	return static_cast<GstClockTime>(duration.count());
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

GstClockTime presentationTime(GstCmacamSrc *self, CameraSession &session,
			      const CompletedFrame &frame)
{
	StreamState &stream = self->state.stream;
	const GstClockTime time = startOfExposure(GST_ELEMENT(self), session, frame);

	if (GST_CLOCK_TIME_IS_VALID(time))
		stream.lastTime = inOrder(time, stream.lastTime);
	return GST_CLOCK_TIME_IS_VALID(time) ? stream.lastTime : time;
}

void reportLost(GstCmacamSrc *self, const CompletedFrame &frame, GstBuffer *buffer)
{
	StreamState &stream = self->state.stream;
	const GstClockTime time = GST_BUFFER_PTS(buffer);

	stream.lost += frame.lost;
	GST_WARNING_OBJECT(self, "%u frames lost before frame %u", frame.lost, frame.sequence);

	GstMessage *message = gst_message_new_qos(GST_OBJECT(self), TRUE, time, time, time,
						  GST_BUFFER_DURATION(buffer));
	gst_message_set_qos_stats(message, GST_FORMAT_BUFFERS, stream.delivered, stream.lost);
	gst_element_post_message(GST_ELEMENT(self), message);
}

BufferPtr takeBuffer(GstCmacamSrc *self, size_t index)
{
	const StreamState &stream = self->state.stream;

	if (const std::shared_ptr<PeerPool> peer = peerOf(self))
		return peer->take(index);

	MemoryPtr memory = self->state.pool->take(index);
	return stream.copying ? stream.writer.copy(memory.get())
			      : stream.writer.wrap(std::move(memory));
}

/* The frame as a buffer with all that is known of it. */
BufferPtr bufferOf(GstCmacamSrc *self, CameraSession &session, const CompletedFrame &frame)
{
	StreamState &stream = self->state.stream;

	/* Before the memory can find its way back to the camera. */
	self->state.controls.setMetadata(frame.slot->metadata());
	const GstClockTime time = presentationTime(self, session, frame);

	BufferPtr buffer = takeBuffer(self, frame.buffer);
	if (!buffer)
		return nullptr;

	GST_BUFFER_PTS(buffer.get()) = time;
	GST_BUFFER_DURATION(buffer.get()) = self->state.frameDuration;
	setFrameFields(buffer.get(), frame);
	if (frame.discontinuous || std::exchange(stream.replugged, false))
		GST_BUFFER_FLAG_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT);

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

/* Main may have another frame rate by now, which is that of lores as well. */
void followMain(GstCmacamSrc *self, const CameraSession &session)
{
	const auto change = session.frameDuration() - self->state.stream.settings.frameDuration;

	/* A rate and a duration in microseconds may differ by rounding. */
	if (self->state.which == Stream::Lores && std::abs(change.count()) > 1)
		gst_pad_mark_reconfigure(GST_BASE_SRC_PAD(self));
}

Result<void> reopen(GstCmacamSrc *self)
{
	if (Result<void> result = openCamera(self); !result)
		return result;
	if (Result<void> result = configure(self); !result) {
		closeCamera(self);
		return result;
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
		const Result<void> reopened = reopen(self);
		if (reopened)
			break;
		if (reopened.error().code != ENODEV)
			return endWithError(self, reopened.error());
		GST_DEBUG_OBJECT(self, "not yet: %s", reopened.error().what.c_str());
		if (!watch->wait())
			return GST_FLOW_FLUSHING;
		GST_DEBUG_OBJECT(self, "a camera was plugged in");
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

/*
 * What the next element has done with may be captured to again. Returns false if
 * the camera has no buffer any more, and none can come back.
 */
bool refill(GstCmacamSrc *self, CameraSession &session)
{
	const Stream which = self->state.which;
	const std::shared_ptr<PeerPool> peer = peerOf(self);
	if (!peer)
		return true;

	while (const auto buffer = peer->acquire(session.isDry(which))) {
		GST_TRACE_OBJECT(self, "buffer %zu goes back to the camera", *buffer);
		session.queue(which, *buffer);
	}

	std::lock_guard lock(self->state.mutex);
	return self->state.flushing || !session.isDry(which);
}

/* Of the next element's memory nothing is left, or the driver refuses it. */
Result<void> captureToOwnMemory(GstCmacamSrc *self, const std::string &why)
{
	GST_ELEMENT_INFO(self, RESOURCE, SETTINGS,
			 ("The camera's own memory is used, and not that of the element after "
			  "cmacamsrc: %s",
			  why.c_str()),
			 ("FrameBuffer from the peer's pool"));

	self->state.stream.peerFailed = true;
	releaseStream(self);
	return configure(self);
}

std::string refusal(const CameraSession &session)
{
	const std::string why = lastError(session.id());

	return why.empty() ? "no frame arrived in the memory of that element" : why;
}

/* Until there is one: OK. The frame belongs to the session that sessionOf() gives. */
GstFlowReturn nextFrame(GstCmacamSrc *self, CompletedFrame &frame)
{
	const Stream which = self->state.which;

	for (;;) {
		std::shared_ptr<CameraSession> session = sessionOf(self);
		if (!session) {
			if (GstFlowReturn flow = waitForCamera(self); flow != GST_FLOW_OK)
				return flow;
			continue;
		}

		Result<void> result;
		/* The base class gets here in PLAYING only: no frame is older than that. */
		if (!session->started(which)) {
			result = session->start(which, self->state.controls.all());
			GST_DEBUG_OBJECT(self, "%s",
					 result ? "the camera has started"
						: result.error().what.c_str());
			if (!result && result.error().code != ENODEV)
				return endWithError(self, result.error());
		}

		if (result && !refill(self, *session)) {
			result = captureToOwnMemory(
				self,
				"the pool of that element has no buffer left that it offered");
			if (result)
				continue;
			if (result.error().code != ENODEV)
				return endWithError(self, result.error());
		}

		if (result) {
			GST_TRACE_OBJECT(self, "waiting for a frame");
			switch (session->waitFrame(which, frame)) {
			case CameraSession::Wait::Flushing:
				GST_DEBUG_OBJECT(self, "flushing ends the wait for a frame");
				return GST_FLOW_FLUSHING;
			case CameraSession::Wait::Frame:
				return GST_FLOW_OK;
			case CameraSession::Wait::Lost:
				result = session->lostError();
				GST_DEBUG_OBJECT(self, "%s", result.error().what.c_str());
				/* One that is still there does not come back by waiting. */
				if (result.error().code != ENODEV)
					return endWithError(self, result.error());
				break;
			case CameraSession::Wait::Refused:
				result = captureToOwnMemory(self, refusal(*session));
				if (result)
					continue;
				if (result.error().code != ENODEV)
					return endWithError(self, result.error());
				break;
			default:
				break;
			}
		}

		/* This reference goes now: no buffer is to outlive the session unused. */
		session.reset();
		if (GstFlowReturn flow = lose(self, result.error()); flow != GST_FLOW_OK)
			return flow;
	}
}

GstFlowReturn create(GstPushSrc *push, GstBuffer **out)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(push);
	StreamState &stream = self->state.stream;
	CompletedFrame frame;

	if (stream.failed)
		return GST_FLOW_EOS;

	if (GstFlowReturn flow = nextFrame(self, frame); flow != GST_FLOW_OK)
		return flow;

	const std::shared_ptr<CameraSession> session = sessionOf(self);
	BufferPtr buffer = bufferOf(self, *session, frame);
	if (!buffer)
		return endWithError(self, {EIO, "A frame could not be mapped"});

	GST_LOG_OBJECT(self, "frame %u in the camera's buffer %zu: %" GST_PTR_FORMAT,
		       frame.sequence, frame.buffer, static_cast<void *>(buffer.get()));
	stream.delivered++;
	if (frame.lost)
		reportLost(self, frame, buffer.get());
	followDuration(self, nanoseconds(frame.duration));
	followMain(self, *session);
	passControlsOn(self, *session, GST_BUFFER_PTS(buffer.get()));

	*out = buffer.release();
	return GST_FLOW_OK;
}

} /* namespace */

GstFlowReturn endWithError(GstCmacamSrc *self, const Error &error)
{
	postError(self, error);
	self->state.stream.failed = true;
	if (const std::shared_ptr<CameraSession> session = sessionOf(self))
		session->giveUp(self->state.which);
	return GST_FLOW_EOS;
}

void installFrames(GstPushSrcClass *push)
{
	push->create = create;
}

} /* namespace cmacam::gst */
