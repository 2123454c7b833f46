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
 * \brief Gives each request its turn at the sensor
 *
 * The sensor takes up what was written at the next start of frame. For the
 * controls of a request to act on its own frame, they have to be written after
 * the frame before has begun, and before its own does: that leaves a whole
 * frame. Frames take the requests in order, so it is enough to count.
 *
 * Without news of starts, requests are due as soon as they are queued.
 */

/**
 * \brief A request goes to the hardware
 * \param[in] request The request; never dereferenced here
 */
void CmacamRequestSchedule::queue(Request *request)
{
	pending_.push_back({request, false});
}

/**
 * \brief The request that was queued last does not go to the hardware after all
 */
void CmacamRequestSchedule::dropLast()
{
	if (!pending_.empty())
		pending_.pop_back();
}

/**
 * \brief Take the next request whose controls are to be written now
 * \return The request, once, or nullptr
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
 * \brief A frame has begun
 * \param[in] sequence The hardware's number of the frame
 *
 * News of starts can be late, or get lost: that a frame is complete says it as
 * well.
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
 * \brief The frame of the oldest request has finished
 * \param[in] sequence The hardware's number of the frame
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
 * \brief Say whether starts of frames are reported from now on
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
 * \brief Forget all requests; the next frame has number 0 and an unreported start
 */
void CmacamRequestSchedule::clear()
{
	follows_ = false;
	pending_.clear();
	started_.clear();
	nextSequence_ = 0;
}

} /* namespace libcamera */
