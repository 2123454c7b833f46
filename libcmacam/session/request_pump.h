/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RequestPump: moves the frames of a camera by libcamera's requests.
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

/* One request, and the buffers that it has or that came with it to the users. */
class RequestSlot
{
public:
	/** What the frames were taken with; until the last of them is given back. */
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
 * Between the queues of a camera's streams and the camera. A request asks for a
 * frame of every stream that has a buffer for it, and so the streams show the
 * same frames.
 *
 * Not thread-safe: the session's mutex guards it.
 */
class RequestPump
{
public:
	explicit RequestPump(std::shared_ptr<libcamera::Camera> camera);

	StreamQueue &queue(Stream which) { return queues_[which]; }
	const StreamQueue &queue(Stream which) const { return queues_[which]; }

	/** Requests have a buffer for both streams, or there is none. */
	void setTied(bool tied) { tied_ = tied; }

	/** The camera has started: its frames are numbered from 0. */
	void start() { running_ = true; }
	/** The camera is about to stop: it cancels the requests that it has. */
	void stop() { running_ = false; }
	bool isRunning() const { return running_; }
	/* Requests that the camera has. */
	size_t underWay() const { return underWay_; }

	/** @controls go with the next request. */
	void setControls(const libcamera::ControlList &controls);
	void clearControls() { pending_.clear(); }

	/**
	 * Queues the requests that are worth it. The lock is held across
	 * Camera::queueRequest(), which only posts a message to libcamera's thread:
	 * so no request can slip in behind the Camera::stop() that follows stop().
	 * Returns a negative errno if the camera takes none.
	 */
	int queueRequests();

	enum class Outcome {
		Good,
		/* The camera gave a request up although nobody stopped it. */
		Cancelled,
		/* A stream's foreign buffers are of no use to the camera; the queue is closed. */
		Refused,
	};
	struct Completion
	{
		Outcome outcome = Outcome::Good;
		/* What came from the camera; empty if nothing did, or nobody is to notice. */
		std::optional<CompletedFrame> frame;
		/* Whether the user gets it. */
		bool delivered = false;
	};
	/** @request is back; @completions are those of its buffers. */
	void completed(libcamera::Request *request, PerStream<Completion> &completions);

	/** @buffer of an open stream came back from its user. */
	void giveBack(Stream which, size_t buffer);
	void giveBack(Stream which, const std::deque<CompletedFrame> &frames);
	/** The stream has other buffers, or none. Those under way are kept until they are back. */
	void dropBuffers(Stream which);
	/**
	 * Destroys all requests. The camera must not have one, nor be about to get
	 * one: Camera::release() handles those messages first.
	 */
	void clear();

private:
	RequestPump(const RequestPump &) = delete;
	RequestPump &operator=(const RequestPump &) = delete;

	bool isWorthARequest() const;
	int queueRequest();
	RequestSlot *idleSlot();
	Completion partCompleted(RequestSlot &slot, Stream which, bool spoilt);

	const std::shared_ptr<libcamera::Camera> camera_;
	PerStream<StreamQueue> queues_;
	/* They are never moved: libcamera knows their requests. */
	std::deque<RequestSlot> slots_;
	/* By buffer: the slot that the buffer came with, until it is given back. */
	PerStream<std::vector<RequestSlot *>> slotOf_;
	size_t underWay_ = 0;
	/* What the camera has not been told yet. */
	libcamera::ControlList pending_;
	bool running_ = false;
	bool tied_ = false;
};

} /* namespace cmacam */
