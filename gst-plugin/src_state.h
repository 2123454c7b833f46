/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of cmacamsrc share: the element (src.cpp, src_properties.cpp)
 * and its stream (negotiation.cpp, frames.cpp).
 */
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "camera_session.h"
#include "camera_watch.h"
#include "controls.h"
#include "frame_buffer.h"
#include "memory.h"
#include "peer_pool.h"
#include "src.h"

GST_DEBUG_CATEGORY_EXTERN(cmacam_src_debug);
#define GST_CAT_DEFAULT cmacam_src_debug

namespace cmacam::gst {

/* Values of the property on-disconnect. */
enum OnDisconnect {
	DISCONNECT_STOP,
	DISCONNECT_WAIT,
};

/* What the streaming thread alone uses, between negotiation and stop. */
struct StreamState
{
	StreamSettings settings;
	bool configured = false;
	/* What the peer asked for on top of the camera's own buffers. */
	unsigned int extraBuffers = 0;
	/* Its pool, for as long as it may be of use. */
	OfferedPool offered;
	FrameWriter writer;
	/* Whether it goes by GstVideoMeta. */
	bool peerKnowsMeta = false;
	bool copying = false;
	bool copyReported = false;
	/* An error has been posted: the stream ends. */
	bool failed = false;
	/* The next frame comes from a camera that was plugged in anew. */
	bool replugged = false;
	guint64 delivered = 0;
	guint64 lost = 0;
	GstClockTime lastTime = GST_CLOCK_TIME_NONE;
};

struct State
{
	/* Guards what other threads read (queries, unlock, state changes). */
	std::mutex mutex;
	std::string cameraName;
	Stream streamName = Stream::Main;
	OnDisconnect onDisconnect = DISCONNECT_STOP;
	/* Empty before PAUSED, and while a camera that is gone is waited for. */
	std::shared_ptr<CameraSession> session;
	std::shared_ptr<CameraWatch> watch;
	/* The camera that is waited for, as it was. */
	std::shared_ptr<libcamera::Camera> gone;
	/* Where frames are captured to: one of the two. */
	std::shared_ptr<FramePool> pool;
	std::shared_ptr<PeerPool> peer;
	GstClockTime frameDuration = GST_CLOCK_TIME_NONE;
	size_t bufferCount = 0;
	/* For the session that follows, where there is none now. */
	bool flushing = false;
	bool paused = false;

	/* Of the camera that is open. */
	Stream which = Stream::Main;

	/* Guard themselves. */
	Controls controls;

	StreamState stream;
};

/** The session, or null. */
std::shared_ptr<CameraSession> sessionOf(GstCmacamSrc *self);
/** Opens the camera the properties ask for and checks them against it. */
Result<void> openCamera(GstCmacamSrc *self);
/** Stops the stream and gives its buffers up; the session stays. */
void releaseStream(GstCmacamSrc *self);
/** Stops the stream and releases the camera. */
void closeCamera(GstCmacamSrc *self);
/** Posts @error with the code of its errno; for ENODEV that is @gone. */
void postError(GstCmacamSrc *self, const Error &error,
	       GstResourceError gone = GST_RESOURCE_ERROR_READ);

/**
 * Posts @error and ends the stream as on EOS: GstBaseSrc posts an error of its
 * own for every failing return value, on top of the one that says what is
 * wrong. This is one error, and sinks and muxers finish what they have.
 */
GstFlowReturn endWithError(GstCmacamSrc *self, const Error &error);
void postLatency(GstCmacamSrc *self);
/** The pool of the next element that is captured to, or null. */
std::shared_ptr<PeerPool> peerOf(GstCmacamSrc *self);
/** Configures the session for the settings of the stream, and takes its buffers. */
Result<void> configure(GstCmacamSrc *self);

/* Each puts its part of the element into the class. */
void installProperties(GObjectClass *object);
void installNegotiation(GstBaseSrcClass *base);
void installFrames(GstPushSrcClass *push);
void uriHandlerInit(gpointer interface, gpointer);

} /* namespace cmacam::gst */

struct _GstCmacamSrc
{
	GstPushSrc parent;
	cmacam::gst::State state;
};
