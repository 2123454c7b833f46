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

/* A request and its buffers, until the users have given all of them back. */
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
 * The part between the queues of a camera's streams and the camera. A request asks
 * for a frame of every stream that has a buffer for it, so that the streams show
 * the same frames.
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

	/** The camera has started: its frames are numbered from 0. */
	void start() { running_ = true; }
	/** The camera is about to stop and cancels the requests that it has. */
	void stop() { running_ = false; }
	bool isRunning() const { return running_; }
	/* Requests that the camera has. */
	size_t underWay() const { return underWay_; }

	/** Send @controls with the next request. */
	void setControls(const libcamera::ControlList &controls);
	void clearControls() { pending_.clear(); }

	/**
	 * Queue all requests that can be made now. The caller holds the lock during
	 * Camera::queueRequest(), which only posts a message to libcamera's thread. So
	 * no request can come after the Camera::stop() that follows stop(). Returns a
	 * negative errno if the camera refuses a request.
	 */
	int queueRequests();

	enum class Outcome {
		Good,
		/* The camera cancelled a request although it was not stopped. */
		Cancelled,
		/* The camera cannot use the foreign buffers of a stream; its queue is closed. */
		Refused,
	};
	struct Completion
	{
		Outcome outcome = Outcome::Good;
		/* The frame from the camera; empty if there is none, or none to report. */
		std::optional<CompletedFrame> frame;
		/* Whether the user gets it. */
		bool delivered = false;
	};
	/** The camera completed @request; returns what became of its buffers in @completions. */
	void completed(libcamera::Request *request, PerStream<Completion> &completions);

	/** The user gave @buffer of an open stream back. */
	void giveBack(Stream which, size_t buffer);
	void giveBack(Stream which, const std::deque<CompletedFrame> &frames);
	/** The stream has other buffers, or none. Buffers under way are kept until they are back.
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
	/* They are never moved: libcamera knows their requests. */
	std::deque<RequestSlot> slots_;
	/* For each buffer the slot of its request, until the buffer is given back. */
	PerStream<std::vector<RequestSlot *>> slotOf_;
	size_t underWay_ = 0;
	/* Controls that no request has carried to the camera yet. */
	libcamera::ControlList pending_;
	bool running_ = false;
	bool tied_ = false;
};

} /* namespace cmacam */
