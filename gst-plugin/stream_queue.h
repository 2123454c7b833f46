/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * StreamQueue: the frames of one stream between the camera and its element.
 */
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "stream_buffers.h"

namespace cmacam::gst {

/* What the camera says of the frame in a buffer. */
struct CapturedFrame
{
	uint32_t sequence;
	bool corrupted;
	/* Start of exposure on CLOCK_MONOTONIC, ns. */
	uint64_t timestamp;
	/* The same instant on CLOCK_REALTIME, ns; zero where the camera does not say. */
	uint64_t wallClock;
	/* ns; zero where the camera does not say. */
	uint64_t duration;
};

struct CompletedFrame : CapturedFrame
{
	/* Which buffer; goes back with CameraSession::queue(). */
	size_t buffer = 0;
	/* Frames missing on this stream since the one before, by sequence number. */
	uint32_t lost = 0;
	/* The frame does not follow the one before; lost may be 0 (pause). */
	bool discontinuous = false;
};

/*
 * A buffer is free, under way in a request, completed and not fetched yet, or
 * with the element. The last is not kept track of: it is none of the others.
 * Not thread-safe: the session's mutex guards it.
 */
class StreamQueue
{
public:
	/** From now on the stream takes part, with all of @buffers free. */
	void open(std::shared_ptr<StreamBuffers> buffers);
	/** It takes part no more. Buffers that are under way are let go of later. */
	void close();
	bool isOpen() const { return buffers_ != nullptr; }
	const std::shared_ptr<StreamBuffers> &buffers() const { return buffers_; }

	bool hasFree() const { return !free_.empty(); }
	/** The buffer that has been free for longest goes under way. */
	size_t takeFree();
	size_t underWay() const { return underWay_; }

	/** A buffer came back from its element. */
	void giveBack(size_t buffer) { free_.push_back(buffer); }
	/** Whether the camera can write to these buffers; of foreign ones only a frame tells. */
	bool isProven() const { return proven_; }
	/** A buffer came back from the camera without a frame. */
	void cancel(size_t buffer);
	/** A buffer came back from the camera. Whether the element shall have the frame. */
	bool complete(size_t buffer, const CapturedFrame &frame);

	bool hasFrame() const { return !completed_.empty(); }
	CompletedFrame takeFrame();

	/** The camera numbers its frames anew; @discontinuous: as the element will notice. */
	void renumber(bool discontinuous);
	/**
	 * While paused no frame is for the element.
	 * Returns the buffers of those that waited: they are to be given back.
	 */
	std::vector<size_t> setPaused(bool paused);

private:
	std::shared_ptr<StreamBuffers> buffers_;
	std::deque<size_t> free_;
	size_t underWay_ = 0;
	bool proven_ = false;
	std::deque<CompletedFrame> completed_;
	uint32_t nextSequence_ = 0;
	bool resync_ = false;
	bool paused_ = false;
};

} /* namespace cmacam::gst */
