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

/* A request and its buffers. The slot is in use until the users have given all its buffers back. */
class RequestSlot
{
public:
	/**
	 * The metadata of the request's frames, valid until the last of these frames is
	 * given back.
	 */
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
	int32_t bracket_ = -1; /* FrameInfo::bracket */
	const void *clock_ = nullptr;
	uint64_t time_ = 0;
};

/*
 * A RequestPump moves buffers between the queues of the streams and the camera.
 * Each request has a buffer of every stream with a free buffer. So the streams get
 * frames of the same exposures. A stream that is on demand joins the requests of the
 * other stream, and has a request of its own only if the camera has no request.
 *
 * The class is not thread-safe. The session's mutex guards the object.
 */
class RequestPump
{
public:
	explicit RequestPump(std::shared_ptr<libcamera::Camera> camera);

	StreamQueue &queue(Stream which) { return queues_[which]; }
	const StreamQueue &queue(Stream which) const { return queues_[which]; }

	/** Set whether each request must have a buffer of both streams. */
	void setTied(bool tied) { tied_ = tied; }

	/** Record that the camera has started and that requests can be queued. */
	void start() { running_ = true; }
	/**
	 * Record that the camera is going to stop and to cancel its requests. Sets of
	 * bracket() that were not sent yet are dropped.
	 */
	void stop();
	bool isRunning() const { return running_; }
	/* Number of requests that the camera has. */
	size_t underWay() const { return underWay_; }

	/** Send @controls with the next request, in addition to controls that were not sent yet. */
	void setControls(const libcamera::ControlList &controls);
	/** Drop the controls that were not sent with a request yet. */
	void clearControls() { pending_.clear(); }
	/**
	 * Send each of @sets with one of the next requests that have a buffer of stream @which.
	 * The request after the last set gets the controls @normal. @normal must have a value
	 * for each control of @sets: if a set does not have a control, its request gets this
	 * value. setControls() changes these values as well.
	 */
	void bracket(Stream which, std::deque<libcamera::ControlList> sets,
		     const libcamera::ControlList &normal);
	/**
	 * Drop the sets of bracket() for stream @which that were not sent yet. The next request
	 * gets the values without these sets.
	 */
	void endBracket(Stream which);
	/** Whether sets of bracket() were not sent with a request yet. */
	bool isBracketing() const { return !bracket_.empty(); }

	/**
	 * Queue all requests that can be made now. The caller holds the session's lock.
	 * Because of this lock, no request is queued after stop(), and no request reaches
	 * the camera after Camera::stop(). The lock is also held during
	 * Camera::queueRequest(), which only posts a message to libcamera's thread. Returns
	 * a negative errno if the camera refuses a request or if there is no memory for a
	 * request.
	 */
	int queueRequests();

	enum class Outcome {
		Good,
		/* The camera cancelled a request although the camera was not stopped. */
		Cancelled,
		/*
		 * The camera cannot use the foreign buffers of a stream. The stream's queue is
		 * closed now.
		 */
		Refused,
	};
	struct Completion
	{
		Outcome outcome = Outcome::Good;
		/* The frame; empty if the buffer has no frame or the stream is paused or idle. */
		std::optional<CompletedFrame> frame = std::nullopt;
		/* Whether the user gets the frame. */
		bool delivered = false;
	};
	/** Handle a @request that the camera completed. @completions gets one result per stream. */
	void completed(libcamera::Request *request, PerStream<Completion> &completions);

	/**
	 * Give @buffer back to stream @which, because the user does not need the buffer any
	 * more.
	 */
	void giveBack(Stream which, size_t buffer);
	/** Give the buffers of @frames back to stream @which. */
	void giveBack(Stream which, const std::deque<CompletedFrame> &frames);
	/**
	 * Drop the buffers of a stream and close its queue. If the camera has a buffer in a
	 * request, the buffer is kept until the request is completed.
	 */
	void dropBuffers(Stream which);
	/**
	 * Destroy all requests. Call Camera::release() before clear(). After
	 * Camera::release(), the camera has no request, and no message to libcamera's
	 * thread has a request.
	 */
	void clear();

private:
	RequestPump(const RequestPump &) = delete;
	RequestPump &operator=(const RequestPump &) = delete;

	bool isWorthARequest() const;
	int queueRequest();
	int addBuffers(RequestSlot &slot);
	void addControls(RequestSlot &slot);
	void controlsSent(const RequestSlot &slot);
	void takeBack(RequestSlot &slot);
	RequestSlot *idleSlot();
	Completion partCompleted(RequestSlot &slot, Stream which, bool spoilt);

	const std::shared_ptr<libcamera::Camera> camera_;
	PerStream<StreamQueue> queues_;
	/*
	 * A deque never moves its elements. CompletedFrame::slot and slotOf_ point to these
	 * elements.
	 */
	std::deque<RequestSlot> slots_;
	/*
	 * The request slot of each buffer, by stream and buffer; nullptr after the buffer
	 * is given back.
	 */
	PerStream<std::vector<RequestSlot *>> slotOf_;
	size_t underWay_ = 0;
	/* The controls that were not sent with a request yet. */
	libcamera::ControlList pending_;
	/* The sets of bracket() that were not sent yet, and the values without them. */
	std::deque<libcamera::ControlList> bracket_;
	libcamera::ControlList normal_;
	Stream bracketOf_ = Stream::Main;
	int32_t bracketIndex_ = 0; /* of the first set */
	bool running_ = false;
	bool tied_ = false;
};

} /* namespace cmacam */
