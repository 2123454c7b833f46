/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stream of cmacamsrc: caps, buffers, latency.
 */
#include <algorithm>
#include <cerrno>
#include <utility>

#include <gst/video/video.h>

#include "caps.h"
#include "device_access.h"
#include "src_state.h"

namespace cmacam::gst {

namespace {

/* The class of GstPushSrc, which does what we do not. */
GstBaseSrcClass *parentClass;

/* What the camera offers within the frame durations the user has allowed. */
CameraOffer offerOf(GstCmacamSrc *self, const CameraSession &session)
{
	CameraOffer offer = session.offer(self->state.which);

	if (const auto limits = self->state.controls.frameDurations()) {
		const auto fit = [min = offer.minDuration,
				  max = offer.maxDuration](std::chrono::microseconds duration) {
			return std::clamp(duration, min, max);
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

	GST_LOG_OBJECT(self, "%s %" GST_PTR_FORMAT,
		       session ? "the camera offers" : "no camera is open, the template is",
		       static_cast<void *>(caps.get()));
	return caps.release();
}

GstCaps *fixate(GstBaseSrc *base, GstCaps *caps)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	const std::shared_ptr<CameraSession> session = sessionOf(self);
	CapsPtr fixed = fixateCaps(CapsPtr(caps), offerOf(self, *session));

	GST_DEBUG_OBJECT(self, "fixated to %" GST_PTR_FORMAT, static_cast<void *>(fixed.get()));
	return fixed.release();
}

std::shared_ptr<FramePool> framePool(GstCmacamSrc *self, CameraSession &session, Stream which,
				     const StreamBuffers &buffers)
{
	/* Both references are safe: releaseStream() retires the pool first. */
	return FramePool::create(buffers, [self, &session, which](size_t buffer) {
		GST_TRACE_OBJECT(self, "buffer %zu goes back to the camera", buffer);
		session.queue(which, buffer);
	});
}

/* What the next element offers, if the camera can write to it. */
std::shared_ptr<PeerPool> peerPool(GstCmacamSrc *self, const StreamBuffers &buffers)
{
	StreamState &stream = self->state.stream;
	const CapsPtr caps(gst_pad_get_current_caps(GST_BASE_SRC_PAD(self)));
	std::string why;

	if (!caps || stream.peerFailed || !stream.offered.mayHaveDmabufs(caps.get())) {
		GST_DEBUG_OBJECT(self, "the next element offers no dma-bufs");
		return nullptr;
	}

	std::shared_ptr<PeerPool> peer =
		PeerPool::create(stream.offered, caps.get(), buffers.layout().planes,
				 stream.writer.layoutIsDefault(), buffers.size(), why);
	if (peer)
		GST_INFO_OBJECT(self, "capturing to the next element's %" GST_PTR_FORMAT,
				static_cast<void *>(stream.offered.pool.get()));
	else
		GST_ELEMENT_INFO(self, RESOURCE, SETTINGS,
				 ("The camera's own memory is used, and not that of the element "
				  "after cmacamsrc: %s",
				  why.c_str()),
				 ("%s", GST_OBJECT_NAME(stream.offered.pool.get())));
	return peer;
}

/* Of a variable rate the shortest frame, until frames tell. */
void expectDuration(GstCmacamSrc *self, const CameraSession &session)
{
	State &state = self->state;
	const std::chrono::microseconds fixed = state.stream.settings.frameDuration;
	const std::chrono::microseconds duration =
		fixed.count() ? fixed : session.offer(state.which).minDuration;

	{
		std::lock_guard lock(state.mutex);
		if (duration.count())
			state.frameDuration = std::chrono::nanoseconds(duration).count();
	}
	GST_DEBUG_OBJECT(self, "a frame takes %s %d us", fixed.count() ? "exactly" : "at least",
			 int(duration.count()));
	postLatency(self);
}

gboolean setCaps(GstBaseSrc *base, GstCaps *caps)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	StreamState &stream = self->state.stream;
	const std::optional<StreamSettings> settings = settingsFromCaps(caps);

	if (!settings)
		return FALSE;

	const bool sameFrames = stream.configured && stream.settings.format == settings->format &&
				stream.settings.size == settings->size;
	const bool sameRate = stream.settings.frameDuration == settings->frameDuration;
	const std::shared_ptr<CameraSession> session = sessionOf(self);

	GST_DEBUG_OBJECT(self, "%s for %" GST_PTR_FORMAT,
			 !sameFrames ? "a new configuration"
			 : !sameRate ? "another frame rate"
				     : "nothing changes",
			 static_cast<void *>(caps));
	stream.settings = *settings;
	if (sameFrames && !sameRate && session) {
		session->setFrameDuration(self->state.which, settings->frameDuration);
		expectDuration(self, *session);
	}
	if (!sameFrames) {
		/* The hardware follows in decideAllocation(), which knows how many buffers. */
		releaseStream(self);
		stream.configured = false;
	}

	return TRUE;
}

/*
 * Whether the session took the settings, with the buffers the peer wants if it can.
 * Stills are configured once: they do not depend on the caps of the pad.
 */
Result<void> configureSession(GstCmacamSrc *self, CameraSession &session)
{
	const StreamState &stream = self->state.stream;
	const std::shared_ptr<Stills> stills = stillsOf(self);
	const bool withStills = stills && !session.buffers(Stream::Main);
	PerStream<std::optional<StreamSettings>> wishes;

	StreamSettings &settings = wishes[self->state.which].emplace(stream.settings);
	settings.role = session.offer(self->state.which).roleOf(settings.format);
	settings.extraBuffers = stream.extraBuffers;
	if (withStills)
		wishes[Stream::Main] = stills->settings();
	Result<void> result = session.configure(wishes);
	if (!result && result.error().code == ENOMEM && stream.extraBuffers > 0) {
		/* What the peer asks for is a wish; the camera's own number is a need. */
		GST_WARNING_OBJECT(self, "no memory for %u more buffers: %s", stream.extraBuffers,
				   result.error().what.c_str());
		settings.extraBuffers = 0;
		result = session.configure(wishes);
	}
	return result && withStills ? stills->open() : result;
}

void decideCopying(GstCmacamSrc *self)
{
	StreamState &stream = self->state.stream;

	stream.copying = !peerOf(self) && !stream.writer.layoutIsDefault() && !stream.peerKnowsMeta;
	GST_DEBUG_OBJECT(self, "frames are %s",
			 stream.copying ? "copied" : "handed on as they are");
	if (stream.copying && !std::exchange(stream.copyReported, true))
		GST_ELEMENT_WARNING(self, STREAM, FORMAT,
				    ("Every frame is copied: the element after cmacamsrc cannot "
				     "handle the stride of this camera at this size"),
				    ("no GstVideoMeta in the peer's ALLOCATION reply"));
}

gboolean decideAllocation(GstBaseSrc *base, GstQuery *query)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	StreamState &stream = self->state.stream;
	guint wanted = 0;
	GstCaps *caps;

	if (stream.failed)
		return TRUE;

	OfferedPool offered;
	if (gst_query_get_n_allocation_pools(query) > 0) {
		GstBufferPool *pool = nullptr;
		gst_query_parse_nth_allocation_pool(query, 0, &pool, nullptr, &wanted,
						    &offered.max);
		offered.pool.reset(pool);
	}

	GST_DEBUG_OBJECT(self, "the next element offers pool %" GST_PTR_FORMAT ", %u to %u buffers",
			 static_cast<void *>(offered.pool.get()), wanted, offered.max);

	/* GstBaseSrc allocates nothing: frames come from the camera. */
	while (gst_query_get_n_allocation_pools(query) > 0)
		gst_query_remove_nth_allocation_pool(query, 0);

	gst_query_parse_allocation(query, &caps, nullptr);
	stream.peerKnowsMeta =
		wantsDmabufs(caps) ||
		gst_query_find_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);

	/* Another pool for the same frames: the old one is its owner's again. */
	if (stream.configured && offered.pool != stream.offered.pool &&
	    (peerOf(self) || offered.mayHaveDmabufs(caps))) {
		GST_DEBUG_OBJECT(self, "the next element offers another pool than before");
		releaseStream(self);
		stream.configured = false;
	}

	stream.peerFailed = stream.peerFailed && stream.configured;
	stream.offered = std::move(offered);
	if (!stream.configured) {
		stream.extraBuffers = wanted;
		if (Result<void> result = configure(self); !result) {
			endWithError(self, result.error());
			return TRUE;
		}
	}

	decideCopying(self);
	return TRUE;
}

gboolean negotiate(GstBaseSrc *base)
{
	GstCmacamSrc *self = GST_CMACAM_SRC(base);
	const std::shared_ptr<CameraSession> session = sessionOf(self);

	/* While a camera that is gone is waited for, the caps stay as they are. */
	if (!session)
		return TRUE;
	/* With stills, main is this element's own. */
	if (!stillsOf(self))
		session->awaitMain(self->state.which);
	if (parentClass->negotiate(base))
		return TRUE;
	if (GST_PAD_IS_FLUSHING(GST_BASE_SRC_PAD(base)))
		return FALSE;

	const CapsPtr peer(gst_pad_peer_query_caps(GST_BASE_SRC_PAD(base), nullptr));
	const StringPtr wanted(gst_caps_to_string(peer.get()));

	endWithError(self, {EINVAL, "Camera '" + session->id() + "' cannot deliver " +
					    wanted.get() + "; it offers " +
					    describeOffer(session->offer(self->state.which))});

	/* create() ends the stream. */
	return TRUE;
}

gboolean latency(GstCmacamSrc *self, GstQuery *query)
{
	std::lock_guard lock(self->state.mutex);
	if (!GST_CLOCK_TIME_IS_VALID(self->state.frameDuration))
		return FALSE;

	/* A frame is complete one interval after its stamp; at worst all wait. */
	const GstClockTime least = self->state.frameDuration;
	const GstClockTime most = least * self->state.bufferCount;
	GST_DEBUG_OBJECT(self, "latency %" GST_TIME_FORMAT " to %" GST_TIME_FORMAT,
			 GST_TIME_ARGS(least), GST_TIME_ARGS(most));
	gst_query_set_latency(query, TRUE, least, most);
	return TRUE;
}

gboolean query(GstBaseSrc *base, GstQuery *query)
{
	if (GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
		return latency(GST_CMACAM_SRC(base), query);

	return parentClass->query(base, query);
}

} /* namespace */

void postLatency(GstCmacamSrc *self)
{
	gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

Result<void> configure(GstCmacamSrc *self)
{
	State &state = self->state;
	StreamState &stream = state.stream;
	const Stream which = state.which;
	const std::shared_ptr<CameraSession> session = sessionOf(self);

	/* The other element may start the camera for both. */
	session->setControls(state.controls.all());
	if (Result<void> result = configureSession(self, *session); !result)
		return result;

	const std::shared_ptr<const StreamBuffers> buffers = session->buffers(which);
	if (!buffers->areInOnePiece())
		return Error{EINVAL, "Camera '" + session->id() +
					     "' puts the planes of a frame into separate buffers, "
					     "which cmacam never does"};
	stream.writer = FrameWriter(buffers->layout());
	stream.configured = true;

	std::shared_ptr<FramePool> pool;
	std::shared_ptr<PeerPool> peer = peerPool(self, *buffers);
	if (peer)
		session->adopt(which, peer->fds());
	else if (!(pool = framePool(self, *session, which, *buffers)))
		return tooManyFiles("Camera '" + session->id() + "'", buffers->size());

	{
		std::lock_guard lock(state.mutex);
		state.pool = std::move(pool);
		state.peer = std::move(peer);
		state.bufferCount = buffers->size();
	}
	GST_DEBUG_OBJECT(self, "configured for %s-%s with %zu buffers, stride %u",
			 stream.settings.size.toString().c_str(),
			 stream.settings.format.toString().c_str(), buffers->size(),
			 buffers->stride());
	decideCopying(self);
	expectDuration(self, *session);
	return {};
}

void releaseStream(GstCmacamSrc *self)
{
	std::shared_ptr<CameraSession> session;
	std::shared_ptr<FramePool> pool;
	std::shared_ptr<PeerPool> peer;

	{
		std::lock_guard lock(self->state.mutex);
		session = self->state.session;
		pool = std::move(self->state.pool);
		peer = std::move(self->state.peer);
		self->state.frameDuration = GST_CLOCK_TIME_NONE;
	}

	GST_DEBUG_OBJECT(self, "%s",
			 pool || peer ? "giving the buffers up" : "no buffers to give up");

	/* First: a buffer that comes back from now on is freed, not queued. */
	if (pool)
		pool->retire();
	if (session)
		session->release(self->state.which);
	/* The peer's go back to it now: nothing writes to them any more. */
	peer.reset();
}

void installNegotiation(GstBaseSrcClass *base)
{
	parentClass = GST_BASE_SRC_CLASS(g_type_class_peek_parent(base));

	base->get_caps = getCaps;
	base->fixate = fixate;
	base->set_caps = setCaps;
	base->decide_allocation = decideAllocation;
	base->negotiate = negotiate;
	base->query = query;
}

} /* namespace cmacam::gst */
