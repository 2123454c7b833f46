/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When the controls of a request are to be written.
 */

#include "request_schedule.h"

#include <algorithm>
#include <cstddef>

namespace libcamera {

/**
 * \class CmacamRequestSchedule
 * \brief Decides when the controls of each request are written to the sensor
 *
 * At the next start of frame, the sensor applies the values that were written.
 * To take effect on the frame of their request, controls must be written after
 * the frame before it has begun and before this frame begins. This leaves one
 * frame interval. Frames take the requests in order, so the schedule only has to
 * count frames.
 *
 * If starts of frames are not reported, requests are due as soon as they are
 * queued.
 */

/**
 * \brief Add a request that goes to the hardware
 * \param[in] request The request, which this class never dereferences
 */
void CmacamRequestSchedule::queue(Request *request)
{
	pending_.push_back({request, false});
}

/**
 * \brief Remove the request that was queued last, because it does not go to the hardware
 */
void CmacamRequestSchedule::dropLast()
{
	if (!pending_.empty())
		pending_.pop_back();
}

/**
 * \brief Take the next request whose controls must be written now
 * \return The request, or nullptr if no request is due; each request is returned only once
 */
Request *CmacamRequestSchedule::due()
{
	/* The one after those that have begun is the next to begin. */
	const std::size_t count =
		follows_ ? std::min(pending_.size(), started_.size() + 1) : pending_.size();

	for (std::size_t i = 0; i < count; i++) {
		if (!pending_[i].written) {
			pending_[i].written = true;
			return pending_[i].request;
		}
	}

	return nullptr;
}

/**
 * \brief Handle the start of a frame
 * \param[in] sequence Sequence number of the frame, from the hardware
 *
 * The notification of a start can be late, and it can get lost. So the caller
 * also calls this function when a frame has completed.
 */
void CmacamRequestSchedule::frameStarted(uint32_t sequence)
{
	/* News of a frame that has been seen complete come too late. */
	if (static_cast<int32_t>(sequence - nextSequence_) < 0)
		return;

	if (started_.empty() || static_cast<int32_t>(sequence - started_.back()) > 0)
		started_.push_back(sequence);
}

/**
 * \brief Handle the end of the frame of the oldest request
 * \param[in] sequence Sequence number of the frame, from the hardware
 */
void CmacamRequestSchedule::frameCompleted(uint32_t sequence)
{
	nextSequence_ = sequence + 1;

	while (!started_.empty() && static_cast<int32_t>(started_.front() - sequence) <= 0)
		started_.pop_front();

	if (!pending_.empty())
		pending_.pop_front();
}

/**
 * \brief Set whether starts of frames are reported from now on
 */
void CmacamRequestSchedule::followStarts(bool follow)
{
	if (follow == follows_)
		return;

	follows_ = follow;
	started_.clear();

	/* The frame in progress, of whose start nobody was told. */
	if (follows_ && !pending_.empty() && pending_.front().written)
		started_.push_back(nextSequence_);
}

/**
 * \brief Forget all requests
 *
 * After the call, the schedule expects frame 0 and no notifications of starts.
 */
void CmacamRequestSchedule::clear()
{
	follows_ = false;
	pending_.clear();
	started_.clear();
	nextSequence_ = 0;
}

} /* namespace libcamera */
