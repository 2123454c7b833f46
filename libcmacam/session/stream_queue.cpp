/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * StreamQueue: the frames of one stream between the camera and its user.
 */
#include "stream_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cmacam {

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
	abandoned_ = 0;
}

void StreamQueue::setIdle(bool idle)
{
	/* What it missed while it was idle is no loss. */
	resync_ = resync_ || (idle_ && !idle);
	idle_ = idle;
}

void StreamQueue::unwant()
{
	wanted_--;
	if (underWay_ > wanted_)
		abandoned_ = std::max(abandoned_, underWay_ - wanted_);
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
	/* Requests are completed in order, so this is the oldest. */
	if (abandoned_)
		abandoned_--;
	free_.push_back(buffer);
}

StreamQueue::Fate StreamQueue::complete(CompletedFrame &frame, bool spoilt)
{
	proven_ = true;
	if (paused_ || idle_ || abandoned_) {
		cancel(frame.buffer);
		return Fate::Unseen;
	}

	const bool resync = std::exchange(resync_, false);
	const uint32_t expected = std::exchange(nextSequence_, frame.sequence + 1);
	const uint32_t missing = onDemand_ ? 0 : frame.sequence - expected;

	frame.lost = resync ? 0 : missing;
	frame.discontinuous = resync || missing != 0;
	counts_.lost += frame.lost;
	if (!delivery_.damaged && (frame.damaged || spoilt)) {
		counts_.damaged++;
		cancel(frame.buffer);
		return Fate::Discarded;
	}

	completed_.push_back(frame);
	underWay_--;
	return Fate::Waits;
}

std::optional<CompletedFrame> StreamQueue::makeRoom()
{
	if (!delivery_.newestOnly || completed_.size() < 2)
		return std::nullopt;

	const auto old = std::find_if(completed_.begin(), std::prev(completed_.end()),
				      [](const CompletedFrame &one) { return one.bracket < 0; });
	if (old == std::prev(completed_.end()))
		return std::nullopt;

	const CompletedFrame frame = *old;
	completed_.erase(old);
	counts_.dropped++;
	return frame;
}

void StreamQueue::countStarved()
{
	if (underWay_ == 0)
		counts_.starved++;
}

CompletedFrame StreamQueue::takeFrame()
{
	const CompletedFrame frame = completed_.front();

	completed_.pop_front();
	if (onDemand_)
		wanted_--;
	return frame;
}

void StreamQueue::renumber(bool discontinuous)
{
	nextSequence_ = 0;
	resync_ = discontinuous;
}

std::deque<CompletedFrame> StreamQueue::setPaused(bool paused)
{
	if (paused == std::exchange(paused_, paused))
		return {};

	resync_ = true;
	return takeAll();
}

std::deque<CompletedFrame> StreamQueue::takeAll()
{
	return std::exchange(completed_, {});
}

} /* namespace cmacam */
