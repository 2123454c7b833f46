/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RequestPump: the requests of libcamera that carry the frames of a camera.
 */
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include <libcamera/camera.h>
#include <libcamera/request.h>

#include "stream_queue.h"
#include "streams.h"

namespace cmacam {

/* A request and its buffers. It is in use until the users have given all buffers back. */
class RequestSlot
{
public:
	/** The metadata of the frames, valid until the last frame is given back. */
	const libcamera::ControlList &metadata() const { return request_->metadata(); }

	/** See CameraSession::agreedTime(). */
	uint64_t agreedTime(const void *clock, uint64_t time);

private:
	friend class RequestPump;

	struct Part
	{
		std::shared_ptr<StreamBuffers> buffers;
		size_t buffer = 0;
	};

	bool isIdle() const;

	std::unique_ptr<libcamera::Request> request_;
	PerStream<Part> parts_;
	bool underWay_ = false;
	const void *clock_ = nullptr;
	uint64_t time_ = 0;
};

/*
 * Moves buffers between the queues of the streams and the camera. A request has a
 * buffer of each stream that has a free buffer, so that the streams get the same
 * frames.
 *
 * Not thread-safe: the session's mutex guards it.
 */
class RequestPump
{
public:
	explicit RequestPump(std::shared_ptr<libcamera::Camera> camera);

	StreamQueue &queue(Stream which) { return queues_[which]; }
	const StreamQueue &queue(Stream which) const { return queues_[which]; }

	/** Make only requests that have a buffer for both streams. */
	void setTied(bool tied) { tied_ = tied; }

	/** Note that the camera has started, so that requests can be queued. */
	void start() { running_ = true; }
	/** Note that the camera is going to stop and to cancel the requests that it has. */
	void stop() { running_ = false; }
	bool isRunning() const { return running_; }
	/* Number of requests that the camera has. */
	size_t underWay() const { return underWay_; }

	/** Send @controls with the next request, in addition to earlier ones. */
	void setControls(const libcamera::ControlList &controls);
	/** Forget the controls that no request has carried to the camera yet. */
	void clearControls() { pending_.clear(); }

	/**
	 * Queue all requests that can be made now. The caller holds the session's lock
	 * during Camera::queueRequest(), which only posts a message to libcamera's
	 * thread. Because of the lock, no request is queued after stop(), and so none
	 * reaches the camera after Camera::stop(). Returns a negative errno if the camera
	 * refuses a request or if there is no memory for one.
	 */
	int queueRequests();

	enum class Outcome {
		Good,
		/* The camera cancelled a request although it was not stopped. */
		Cancelled,
		/* The camera cannot use the foreign buffers of a stream. The queue is closed. */
		Refused,
	};
	struct Completion
	{
		Outcome outcome = Outcome::Good;
		/* The frame; empty if the buffer has no frame or the stream is paused or idle. */
		std::optional<CompletedFrame> frame;
		/* Whether the user gets it. */
		bool delivered = false;
	};
	/** Handle a @request that the camera completed. @completions gets one result per stream. */
	void completed(libcamera::Request *request, PerStream<Completion> &completions);

	/** Give @buffer, which its user does not need any more, back to its stream. */
	void giveBack(Stream which, size_t buffer);
	/** Give the buffers of @frames back to their stream. */
	void giveBack(Stream which, const std::deque<CompletedFrame> &frames);
	/**
	 * Drop the buffers of a stream and close its queue. A buffer that the camera has
	 * is kept until its request is completed.
	 */
	void dropBuffers(Stream which);
	/**
	 * Destroy all requests. The camera must have no request, and no message with a
	 * request may be on its way: Camera::release() handles these messages first.
	 */
	void clear();

private:
	RequestPump(const RequestPump &) = delete;
	RequestPump &operator=(const RequestPump &) = delete;

	bool isWorthARequest() const;
	int queueRequest();
	int addBuffers(RequestSlot &slot);
	void takeBack(RequestSlot &slot);
	RequestSlot *idleSlot();
	Completion partCompleted(RequestSlot &slot, Stream which, bool spoilt);

	const std::shared_ptr<libcamera::Camera> camera_;
	PerStream<StreamQueue> queues_;
	/* A deque, because it never moves its elements: frames and slotOf_ point to them. */
	std::deque<RequestSlot> slots_;
	/* By stream and buffer: the slot of the request, until the buffer is given back. */
	PerStream<std::vector<RequestSlot *>> slotOf_;
	size_t underWay_ = 0;
	/* Controls that no request has carried to the camera yet. */
	libcamera::ControlList pending_;
	bool running_ = false;
	bool tied_ = false;
};

} /* namespace cmacam */
