/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * StreamQueue: the frames of one stream between the camera and its user.
 */
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include <libcamera/stream.h>

#include <cmacam/frame.h>

#include "stream_buffers.h"

namespace cmacam {

class RequestSlot;

/* A frame that came from the camera. FrameInfo::lost is 0 directly after a pause. */
struct CompletedFrame : FrameInfo
{
	/* Whether the camera reported an error for the frame. */
	bool damaged = false;
	/* Index of the buffer, which CameraSession::queue() gives back. */
	size_t buffer = 0;
	/* The slot of the frame's request, valid until the buffer is given back. */
	RequestSlot *slot = nullptr;
	/*
	 * Whether frames are missing between the previous frame and this frame. After a
	 * pause, this member is true although FrameInfo::lost is 0.
	 */
	bool discontinuous = false;
};

/* How a stream delivers its frames. */
struct Delivery
{
	/* Whether a new frame replaces the frame that waits for the user. A bracket's frame stays.
	 */
	bool newestOnly = false;
	/* Whether frames with an error are delivered too. */
	bool damaged = true;
};

/* Counts since the stream was started. */
struct StreamCounts
{
	/* Frames that newer frames replaced (Delivery::newestOnly). */
	uint64_t dropped = 0;
	/* Frames with an error, which were not delivered. */
	uint64_t damaged = 0;
	/* Lost frames, counted by the gaps in the sequence numbers. */
	uint64_t lost = 0;
	/* Number of times that the camera had no buffer left after a frame. */
	uint64_t starved = 0;
};

/*
 * A buffer has one of four states: it is free, it is under way in a request of the
 * camera, it has a frame that waits, or the user holds it. The queue does not track
 * the buffers that the user holds. The class is not thread-safe. The session's
 * mutex guards the object.
 */
class StreamQueue
{
public:
	/** Open the queue with @buffers, which are all free. */
	void open(std::shared_ptr<StreamBuffers> buffers);
	/**
	 * Close the queue. A buffer that is under way is released when its request is
	 * completed.
	 */
	void close();
	bool isOpen() const { return buffers_ != nullptr; }
	const std::shared_ptr<StreamBuffers> &buffers() const { return buffers_; }

	/**
	 * Set the libcamera stream whose frames go into the buffers. The queue may be open
	 * during the call.
	 */
	void setStream(libcamera::Stream *stream) { stream_ = stream; }
	libcamera::Stream *stream() const { return stream_; }

	void setDelivery(const Delivery &delivery) { delivery_ = delivery; }
	/**
	 * Set whether the stream is idle. An idle stream keeps its buffers and gives none
	 * to the camera.
	 */
	void setIdle(bool idle);
	/**
	 * Whether the camera writes frames of the stream: the queue is open and the stream
	 * is not idle.
	 */
	bool takesPart() const
	{
		return isOpen() && !idle_ &&
		       (!onDemand_ || underWay_ - abandoned_ + completed_.size() < wanted_);
	}

	/**
	 * Set whether the stream delivers single pictures. Such a stream takes part only while a
	 * frame is wanted that is neither under way nor waits. The frames between two pictures
	 * are not lost.
	 */
	void setOnDemand(bool onDemand) { onDemand_ = onDemand; }
	bool isOnDemand() const { return onDemand_; }
	/** Want a picture. The user takes it with takeFrame(), or calls unwant(). */
	void want() { wanted_++; }
	/** Want no picture any more. A picture that is under way for nobody is not delivered. */
	void unwant();

	bool hasFree() const { return takesPart() && !free_.empty(); }
	/** Take a free buffer for a request: the buffer that has been free for the longest time. */
	size_t takeFree();
	size_t underWay() const { return underWay_; }
	size_t waiting() const { return completed_.size(); }

	/** Mark @buffer as free, because the user gave it back. */
	void giveBack(size_t buffer) { free_.push_back(buffer); }
	/**
	 * Whether it is certain that the camera can write to the buffers. For foreign
	 * buffers, only the first frame makes this certain.
	 */
	bool isProven() const { return proven_; }
	/** Mark @buffer as free, because it came back from the camera without a frame. */
	void cancel(size_t buffer);
	enum class Fate {
		Waits,
		/* The frame is damaged. Its buffer is free again. */
		Discarded,
		/* The stream is paused or idle, or nobody wants the picture. The buffer is free
		   again. */
		Unseen,
	};
	/**
	 * Handle a buffer that came back from the camera with @frame. The function sets the
	 * members @lost and @discontinuous of @frame. @spoilt: whether a frame of the same
	 * request has an error and the streams are tied.
	 */
	Fate complete(CompletedFrame &frame, bool spoilt);
	/**
	 * If Delivery::newestOnly is set and an older frame waits in addition to the newest
	 * frame, remove and return the older frame. Frames of a bracket are never removed. The
	 * caller must give the buffer of the returned frame back.
	 */
	std::optional<CompletedFrame> makeRoom();
	/**
	 * Increment StreamCounts::starved if the camera has no buffer of the stream now.
	 * Call countStarved() after complete(), and only after the free buffers were queued
	 * again.
	 */
	void countStarved();

	const StreamCounts &counts() const { return counts_; }
	void resetCounts() { counts_ = {}; }

	bool hasFrame() const { return !completed_.empty(); }
	CompletedFrame takeFrame();

	/**
	 * Expect a frame with the sequence number 0 next. @discontinuous: whether to mark
	 * the next frame as discontinuous.
	 */
	void renumber(bool discontinuous);
	/**
	 * Pause or continue the stream. A paused stream delivers no frames. Returns the
	 * frames that waited. The caller must give the buffers of these frames back.
	 */
	std::deque<CompletedFrame> setPaused(bool paused);
	bool isPaused() const { return paused_; }
	/**
	 * Remove and return all frames that wait. The caller must give the buffers of these
	 * frames back.
	 */
	std::deque<CompletedFrame> takeAll();

private:
	std::shared_ptr<StreamBuffers> buffers_;
	libcamera::Stream *stream_ = nullptr;
	Delivery delivery_;
	StreamCounts counts_;
	std::deque<size_t> free_;
	size_t underWay_ = 0;
	bool proven_ = false;
	bool idle_ = false;
	bool onDemand_ = false;
	/* Pictures that users wait for. */
	size_t wanted_ = 0;
	/* Number of the oldest buffers under way whose user has given up. */
	size_t abandoned_ = 0;
	std::deque<CompletedFrame> completed_;
	uint32_t nextSequence_ = 0;
	bool resync_ = false;
	bool paused_ = false;
};

} /* namespace cmacam */
