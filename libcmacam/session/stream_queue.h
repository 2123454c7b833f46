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

#include "stream_buffers.h"

namespace cmacam {

class RequestSlot;

/* What the camera reports about the frame in a buffer. */
struct CapturedFrame
{
	uint32_t sequence = 0;
	/* The camera reported an error for the frame. */
	bool damaged = false;
	/* Start of exposure on CLOCK_MONOTONIC, ns. */
	uint64_t timestamp = 0;
	/* The same instant on CLOCK_REALTIME, ns; zero if the camera does not report it. */
	uint64_t wallClock = 0;
	/* Duration of the frame, ns; zero if the camera does not report it. */
	uint64_t duration = 0;
};

struct CompletedFrame : CapturedFrame
{
	/* Index of the buffer, which CameraSession::queue() gives back. */
	size_t buffer = 0;
	/* The slot of its request, until the buffer is given back. */
	RequestSlot *slot = nullptr;
	/* Number of frames that were lost before this frame, by sequence number. */
	uint32_t lost = 0;
	/*
	 * The frame does not directly follow the previous frame. This is also true after
	 * a pause, when lost is 0.
	 */
	bool discontinuous = false;
};

/* How a stream delivers its frames. */
struct Delivery
{
	/* A new frame replaces a frame that waits. */
	bool newestOnly = false;
	/* Whether frames with an error are delivered too. */
	bool damaged = true;
};

/* Numbers of frames of a stream since its start. */
struct StreamCounts
{
	/* Frames that newer frames replaced (Delivery::newestOnly). */
	uint64_t dropped = 0;
	/* Frames with an error, which were not delivered. */
	uint64_t damaged = 0;
	/* Frames that are missing in the camera's count. */
	uint64_t lost = 0;
	/* Number of times that a frame took the last buffer of the camera. */
	uint64_t starved = 0;
};

/*
 * A buffer is free, under way in a request, completed and waiting, or with the
 * user. The queue does not track buffers that are with the user.
 * Not thread-safe: the session's mutex guards it.
 */
class StreamQueue
{
public:
	/** Open the stream with all of @buffers free. */
	void open(std::shared_ptr<StreamBuffers> buffers);
	/** Close the stream. Buffers that are under way are released later. */
	void close();
	bool isOpen() const { return buffers_ != nullptr; }
	const std::shared_ptr<StreamBuffers> &buffers() const { return buffers_; }

	/** Set libcamera's stream that writes to the buffers, also while the queue is open. */
	void setStream(libcamera::Stream *stream) { stream_ = stream; }
	libcamera::Stream *stream() const { return stream_; }

	void setDelivery(const Delivery &delivery) { delivery_ = delivery; }
	/** An idle stream keeps its buffers, but the camera gets none of them. */
	void setIdle(bool idle);
	/** Whether the stream is open and not idle, so that the camera writes its frames. */
	bool takesPart() const { return isOpen() && !idle_; }

	bool hasFree() const { return takesPart() && !free_.empty(); }
	/** Take the buffer that has been free for the longest time for a request. */
	size_t takeFree();
	size_t underWay() const { return underWay_; }
	size_t waiting() const { return completed_.size(); }

	/** The user gave a buffer back. */
	void giveBack(size_t buffer) { free_.push_back(buffer); }
	/**
	 * Whether the camera is known to be able to write to the buffers. For foreign
	 * buffers this is known after their first frame.
	 */
	bool isProven() const { return proven_; }
	/** A buffer came back from the camera without a frame. */
	void cancel(size_t buffer);
	enum class Fate {
		Waits,
		/* The frame is damaged. Its buffer is free again. */
		Discarded,
		/* The stream is paused or idle. The buffer is free again. */
		Unseen,
	};
	/**
	 * A buffer came back from the camera with @frame. This function fills in the rest
	 * of @frame. @spoilt: the frame of a linked stream has an error.
	 */
	Fate complete(CompletedFrame &frame, bool spoilt);
	/** Drop the oldest frame if a newer one replaces it. Its buffer is free afterwards. */
	std::optional<CompletedFrame> makeRoom();
	/**
	 * Increment StreamCounts::starved if the camera has no buffer of the stream now.
	 * Call this after complete(), and after free buffers were queued again.
	 */
	void countStarved();

	const StreamCounts &counts() const { return counts_; }
	void resetCounts() { counts_ = {}; }

	bool hasFrame() const { return !completed_.empty(); }
	CompletedFrame takeFrame();

	/** Expect frame 0 next. @discontinuous: mark the next frame as discontinuous. */
	void renumber(bool discontinuous);
	/**
	 * Pause or continue the stream. A paused stream delivers no frames. Returns the
	 * frames that waited. The caller gives their buffers back.
	 */
	std::deque<CompletedFrame> setPaused(bool paused);
	/** Remove and return all frames that wait. The caller gives their buffers back. */
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
	std::deque<CompletedFrame> completed_;
	uint32_t nextSequence_ = 0;
	bool resync_ = false;
	bool paused_ = false;
};

} /* namespace cmacam */
