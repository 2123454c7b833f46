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

/* What the camera says of the frame in a buffer. */
struct CapturedFrame
{
	uint32_t sequence = 0;
	/* The camera reported an error for it. */
	bool damaged = false;
	/* Start of exposure on CLOCK_MONOTONIC, ns. */
	uint64_t timestamp = 0;
	/* The same instant on CLOCK_REALTIME, ns; zero where the camera does not say. */
	uint64_t wallClock = 0;
	/* ns; zero where the camera does not say. */
	uint64_t duration = 0;
};

struct CompletedFrame : CapturedFrame
{
	/* Which buffer; goes back with CameraSession::queue(). */
	size_t buffer = 0;
	/* The request that it came with; until the buffer goes back. */
	RequestSlot *slot = nullptr;
	/* Frames missing on this stream since the one before, by sequence number. */
	uint32_t lost = 0;
	/* The frame does not follow the one before; lost may be 0 (pause). */
	bool discontinuous = false;
};

/* How a stream's frames get to its user. */
struct Delivery
{
	/* The oldest frame that waits makes room for the newest. */
	bool newestOnly = false;
	/* Frames that the camera reports an error for are delivered, too. */
	bool damaged = true;
};

/* What happened to a stream since it was started. */
struct StreamCounts
{
	/* Nobody took them in time (Delivery::newestOnly). */
	uint64_t dropped = 0;
	/* Not delivered for an error that the camera reported. */
	uint64_t damaged = 0;
	/* Gaps in the camera's count. */
	uint64_t lost = 0;
	/* Times that a frame came and left the camera without a buffer. */
	uint64_t starved = 0;
};

/*
 * A buffer is free, under way in a request, completed and waiting, or with the
 * user. The last is not kept track of: it is none of the others.
 * Not thread-safe: the session's mutex guards it.
 */
class StreamQueue
{
public:
	/** From now on the stream takes part, with all of @buffers free. */
	void open(std::shared_ptr<StreamBuffers> buffers);
	/** It takes part no more. Buffers that are under way are released later. */
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
	/** The buffer that has been free for longest goes under way. */
	size_t takeFree();
	size_t underWay() const { return underWay_; }
	size_t waiting() const { return completed_.size(); }

	/** A buffer came back from its user. */
	void giveBack(size_t buffer) { free_.push_back(buffer); }
	/** Whether the camera can write to these buffers; of foreign ones only a frame tells. */
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
	 * A buffer came back from the camera, with @frame, of which what it misses
	 * is filled in; @spoilt: a stream that this one is tied to has an error.
	 */
	Fate complete(CompletedFrame &frame, bool spoilt);
	/** The oldest frame that has to make room, if there is one; it is free now. */
	std::optional<CompletedFrame> makeRoom();
	/** After complete(), once buffers had the chance to go back to the camera. */
	void countStarved();

	const StreamCounts &counts() const { return counts_; }
	void resetCounts() { counts_ = {}; }

	bool hasFrame() const { return !completed_.empty(); }
	CompletedFrame takeFrame();

	/** The camera numbers its frames anew; @discontinuous: as the user will notice. */
	void renumber(bool discontinuous);
	/**
	 * While paused no frame is for the user.
	 * Returns those that waited: they are to be given back.
	 */
	std::deque<CompletedFrame> setPaused(bool paused);
	/** All frames that wait: they are to be given back. */
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
