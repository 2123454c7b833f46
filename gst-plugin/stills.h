/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stills: single pictures that cmacamsrc takes beside the frames that it pushes.
 */
#pragma once

#include <chrono>
#include <memory>
#include <shared_mutex>

#include <cmacam/result.h>

#include "camera_session.h"
#include "frame_buffer.h"
#include "gst_ptr.h"
#include "memory.h"

namespace cmacam::gst {

/*
 * The stills of one open camera. The element pushes the frames of the session's stream
 * Stream::Lores, and the stills are the frames of Stream::Main, which is on demand.
 *
 * Any thread may call take(). Only one thread may call the other functions at a time.
 */
class Stills
{
public:
	/**
	 * Opens the stream Stream::Main of the camera of @session. The stills have the caps
	 * @wanted. Where @wanted leaves a choice, they have the camera's default format and the
	 * largest size. @gone: as in openStream(). Errors: EINVAL if the camera has only one
	 * stream or does not offer such caps, the errors of openStream().
	 */
	static Result<std::shared_ptr<Stills>>
	create(const CameraSession &session, const libcamera::Camera *gone, const GstCaps *wanted);
	~Stills() { close(); }

	/* The caps of the stills, which are fixed. The framerate is 0/1. */
	GstCaps *caps() const { return caps_.get(); }
	/* The settings with which the stream is to be configured. */
	StreamSettings settings() const;
	/** Makes the memory of the stills, after each configuration of the stream. */
	Result<void> open();
	/**
	 * Releases the stream, and first waits until take() has returned in all threads. The
	 * session must have ended these calls, as it does when its other stream is released.
	 */
	void close();

	/**
	 * Waits at most @limit for a still, and returns the still with all its fields. The PTS is
	 * the running time of @element. Errors: ETIMEDOUT; EBUSY if the application holds all
	 * buffers; ECANCELED if the stream of the frames does not run; the errors of
	 * CameraSession::lostError().
	 */
	Result<BufferPtr> take(std::chrono::milliseconds limit, GstElement *element);

private:
	Stills(std::shared_ptr<CameraSession> share, CapsPtr caps);
	Stills(const Stills &) = delete;
	Stills &operator=(const Stills &) = delete;

	const CapsPtr caps_;
	/*
	 * Guards the members below. take() holds this lock shared. The functions that change
	 * the members hold it exclusively.
	 */
	std::shared_mutex open_;
	/* The element's share of the stream; empty after close(). */
	std::shared_ptr<CameraSession> session_;
	std::shared_ptr<FramePool> pool_;
	FrameWriter writer_;
};

} /* namespace cmacam::gst */
