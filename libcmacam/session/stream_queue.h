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
	/* The camera reported an error for it. */
	bool damaged = false;
	/* Start of exposure on CLOCK_MONOTONIC, ns. */
	uint64_t timestamp = 0;
	/* The same instant on CLOCK_REALTIME, ns; zero if the camera does not report it. */
	uint64_t wallClock = 0;
	/* In ns; zero if the camera does not report it. */
	uint64_t duration = 0;
};

struct CompletedFrame : CapturedFrame
{
	/* Index of the buffer, which CameraSession::queue() gives back. */
	size_t buffer = 0;
	/* The slot of its request, until the buffer is given back. */
	RequestSlot *slot = nullptr;
	/* Number of frames that are missing since the last one, by sequence number. */
	uint32_t lost = 0;
	/* The frame does not follow the last one; lost may be 0 (after a pause). */
	bool discontinuous = false;
};

/* How a stream delivers its frames. */
struct Delivery
{
	/* The oldest frame that waits makes room for the newest. */
	bool newestOnly = false;
	/* Frames with an error are delivered too. */
	bool damaged = true;
};

/* Numbers of frames of a stream since its start. */
struct StreamCounts
{
	/* Frames that newer ones replaced (Delivery::newestOnly). */
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

	/** The stream of the camera that writes to them; may change while it is open. */
	void setStream(libcamera::Stream *stream) { stream_ = stream; }
	libcamera::Stream *stream() const { return stream_; }

	void setDelivery(const Delivery &delivery) { delivery_ = delivery; }
	/** An idle stream keeps its buffers, and gives the camera none of them. */
	void setIdle(bool idle);
	/** Whether the camera writes frames for it, when there is a buffer. */
	bool takesPart() const { return isOpen() && !idle_; }

	bool hasFree() const { return takesPart() && !free_.empty(); }
	/** Take the buffer that has been free for the longest time for a request. */
	size_t takeFree();
	size_t underWay() const { return underWay_; }
	size_t waiting() const { return completed_.size(); }

	/** The user gave a buffer back. */
	void giveBack(size_t buffer) { free_.push_back(buffer); }
	/** Whether the camera can write to these buffers. For foreign ones the first frame shows
	 * it. */
	bool isProven() const { return proven_; }
	/** A buffer came back from the camera without a frame. */
	void cancel(size_t buffer);
	enum class Fate {
		Waits,
		/* It is damaged, and its buffer free again. */
		Discarded,
		/* The stream is paused or idle; its buffer is free again. */
		Unseen,
	};
	/**
	 * A buffer came back from the camera with @frame. This function fills in the rest
	 * of @frame. @spoilt: the frame of a linked stream has an error.
	 */
	Fate complete(CompletedFrame &frame, bool spoilt);
	/** Drop the oldest frame if a newer one replaces it. Its buffer is free afterwards. */
	std::optional<CompletedFrame> makeRoom();
	/** After complete(), once buffers had the chance to go back to the camera. */
	void countStarved();

	const StreamCounts &counts() const { return counts_; }
	void resetCounts() { counts_ = {}; }

	bool hasFrame() const { return !completed_.empty(); }
	CompletedFrame takeFrame();

	/** The camera numbers its frames anew. @discontinuous: the next frame reports it. */
	void renumber(bool discontinuous);
	/**
	 * Pause or continue. A paused stream delivers no frames. Returns the frames that
	 * waited: the caller gives their buffers back.
	 */
	std::deque<CompletedFrame> setPaused(bool paused);
	/** Remove all frames that wait: the caller gives their buffers back. */
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
