/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * StreamQueue: the frames of one stream between the camera and its element.
 */
#include "stream_queue.h"

#include <utility>

namespace cmacam::gst {

void StreamQueue::open(std::shared_ptr<StreamBuffers> buffers)
{
	close();
	buffers_ = std::move(buffers);
	for (size_t i = 0; i < buffers_->size(); i++)
		free_.push_back(i);
	proven_ = !buffers_->areForeign();
	renumber(false);
}

void StreamQueue::close()
{
	buffers_.reset();
	free_.clear();
	completed_.clear();
	underWay_ = 0;
}

size_t StreamQueue::takeFree()
{
	const size_t buffer = free_.front();

	free_.pop_front();
	underWay_++;
	return buffer;
}

void StreamQueue::cancel(size_t buffer)
{
	underWay_--;
	free_.push_back(buffer);
}

bool StreamQueue::complete(size_t buffer, const CapturedFrame &frame)
{
	proven_ = true;
	if (paused_) {
		cancel(buffer);
		return false;
	}

	const bool resync = std::exchange(resync_, false);
	const uint32_t missing = frame.sequence - std::exchange(nextSequence_, frame.sequence + 1);
	CompletedFrame completed{frame};

	completed.buffer = buffer;
	completed.lost = resync ? 0 : missing;
	completed.discontinuous = resync || missing != 0;
	completed_.push_back(completed);
	underWay_--;
	return true;
}

CompletedFrame StreamQueue::takeFrame()
{
	const CompletedFrame frame = completed_.front();

	completed_.pop_front();
	return frame;
}

void StreamQueue::renumber(bool discontinuous)
{
	nextSequence_ = 0;
	resync_ = discontinuous;
}

std::vector<size_t> StreamQueue::setPaused(bool paused)
{
	std::vector<size_t> dropped;

	if (paused == std::exchange(paused_, paused))
		return dropped;

	resync_ = true;
	for (const CompletedFrame &frame : std::exchange(completed_, {}))
		dropped.push_back(frame.buffer);
	return dropped;
}

} /* namespace cmacam::gst */
