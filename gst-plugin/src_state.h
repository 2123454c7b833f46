/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state and the functions that the source files of cmacamsrc share. src.cpp,
 * src_properties.cpp and src_signals.cpp implement the element. negotiation.cpp and
 * frames.cpp implement the stream of the element.
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
#include "stills.h"

GST_DEBUG_CATEGORY_EXTERN(cmacam_src_debug);
#define GST_CAT_DEFAULT cmacam_src_debug

namespace cmacam::gst {

/* Values of the property on-disconnect. */
enum OnDisconnect {
	DISCONNECT_STOP,
	DISCONNECT_WAIT,
};

/* Data that only the streaming thread uses, from negotiation until the stream stops. */
struct StreamState
{
	StreamSettings settings;
	bool configured = false;
	/* Number of buffers that the peer wants in addition to the camera's own number. */
	unsigned int extraBuffers = 0;
	/* The pool that the peer offers. */
	OfferedPool offered;
	/* Whether the camera has failed to use this pool. */
	bool peerFailed = false;
	FrameWriter writer;
	/* Whether the peer reads the layout of a frame from GstVideoMeta. */
	bool peerKnowsMeta = false;
	bool copying = false;
	bool copyReported = false;
	/* Whether the element has posted an error, which ends the stream. */
	bool failed = false;
	/* Whether the next frame is the first frame since the camera was plugged in again. */
	bool replugged = false;
	guint64 delivered = 0;
	guint64 lost = 0;
	GstClockTime lastTime = GST_CLOCK_TIME_NONE;
};

struct State
{
	/* Guards the members that other threads use in queries, unlock() and state changes. */
	std::mutex mutex;
	std::string cameraName;
	Stream streamName = Stream::Main;
	OnDisconnect onDisconnect = DISCONNECT_STOP;
	/* The caps of stills; nullptr if the element takes none. */
	CapsPtr stillCaps;
	/* Empty before PAUSED. Also empty while the element waits for an unplugged camera. */
	std::shared_ptr<CameraSession> session;
	/* The stills of the open camera. Empty if stillCaps is nullptr. */
	std::shared_ptr<Stills> stills;
	std::shared_ptr<CameraWatch> watch;
	/* libcamera's object of the unplugged camera that the element waits for. */
	std::shared_ptr<libcamera::Camera> gone;
	/* The buffers that the camera writes to. At most one of the two pools exists. */
	std::shared_ptr<FramePool> pool;
	std::shared_ptr<PeerPool> peer;
	GstClockTime frameDuration = GST_CLOCK_TIME_NONE;
	size_t bufferCount = 0;
	/* When a session ends, the element keeps these two values for the next session. */
	bool flushing = false;
	bool paused = false;

	/* The stream of the open camera that this element uses. */
	Stream which = Stream::Main;

	/* The controls have a lock of their own, so `mutex` does not guard them. */
	Controls controls;

	StreamState stream;
};

/** Returns the session of the element. Returns nullptr if the element has no session. */
std::shared_ptr<CameraSession> sessionOf(GstCmacamSrc *self);
/** Returns the stills of the open camera; nullptr if the element takes none. */
std::shared_ptr<Stills> stillsOf(GstCmacamSrc *self);
/**
 * Opens the camera that the properties name, or the unplugged camera that the
 * element waits for. Returns an error if the camera does not accept the values of
 * the control properties.
 */
Result<void> openCamera(GstCmacamSrc *self);
/** Stops the stream and drops its buffers. The element keeps the session. */
void releaseStream(GstCmacamSrc *self);
/** Stops the stream and releases the camera. */
void closeCamera(GstCmacamSrc *self);
/**
 * Posts @error. The errno of @error determines the GstResourceError. For ENODEV, the
 * GstResourceError is @gone.
 */
void postError(GstCmacamSrc *self, const Error &error,
	       GstResourceError gone = GST_RESOURCE_ERROR_READ);

/** Posts @error as a warning. */
void postWarning(GstCmacamSrc *self, const Error &error);

/**
 * Posts @error and returns GST_FLOW_EOS, which ends the stream. If this function
 * returned an error code instead, GstBaseSrc would post a second error without the
 * reason. EOS also lets sinks and muxers finish their work.
 */
GstFlowReturn endWithError(GstCmacamSrc *self, const Error &error);
/** Posts a LATENCY message, so that the pipeline queries the latency again. */
void postLatency(GstCmacamSrc *self);
/** Returns the next element's pool; nullptr if the camera does not write to this pool. */
std::shared_ptr<PeerPool> peerOf(GstCmacamSrc *self);
/** Configures the session with the settings of the stream and makes the frame pool. */
Result<void> configure(GstCmacamSrc *self);

/* Each of these functions installs the callbacks of one source file in the class. */
void installProperties(GObjectClass *object);
void installSignals(GObjectClass *object);
void installNegotiation(GstBaseSrcClass *base);
void installFrames(GstPushSrcClass *push);
void uriHandlerInit(gpointer interface, gpointer);

} /* namespace cmacam::gst */

struct _GstCmacamSrc
{
	GstPushSrc parent;
	cmacam::gst::State state;
};
