/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is to be said of lost frames, and when.
 */

#include "loss_watch.h"

namespace libcamera {

/**
 * \class CmacamLossWatch
 * \brief Makes episodes of lost frames, of which to tell when they begin and end
 *
 * An application that is too slow loses a frame here and two there. That is
 * one episode, and it is over when kCalm frames in a row have come. If it is
 * left without any request within one, that is told as well, once.
 *
 * The driver says at once that it has lost a frame, which may be long before
 * the next one completes. Those that it had finished before then may not have
 * been looked at yet, so it is not at once clear whether it was starved.
 */

/**
 * \brief The driver has lost a frame
 * \param[in] first Its number
 * \param[in] idle Whether no request is queued
 * \return What there is to tell
 */
CmacamLossWatch::News CmacamLossWatch::lost(uint32_t first, bool idle)
{
	/* The frame after the gap may be faster than the news. */
	if (isStarved() || static_cast<int32_t>(first - next_) < 0)
		return News::None;

	if (!heard_)
		hear(first);

	return idle ? tell(true) : News::None;
}

/**
 * \brief A frame has completed
 * \param[in] sequence Its number
 * \param[in] lost Frames lost before it, since the session began
 * \param[in] idle Whether no request is queued behind it
 * \return What there is to tell
 */
CmacamLossWatch::News CmacamLossWatch::completed(uint32_t sequence, uint32_t lost, bool idle)
{
	const uint32_t missing = lost - lost_;

	if (missing && !heard_)
		hear(sequence - missing);

	next_ = sequence + 1;
	lost_ = lost;

	if (missing) {
		heard_ = false;
		calm_ = 0;
		wholeSince_ = sequence;
		return told_ == Told::Nothing ? tell(idle) : News::None;
	}

	if (heard_ && idle)
		return tell(true);

	return ++calm_ >= kCalm && stopped(lost) ? News::Over : News::None;
}

/**
 * \brief No more frames are going to come
 * \param[in] lost Frames lost since the session began
 * \return Whether an episode was going on, which is over now
 */
bool CmacamLossWatch::stopped(uint32_t lost)
{
	if (told_ == Told::Nothing)
		return false;

	told_ = Told::Nothing;
	lost_ = lost;

	return true;
}

void CmacamLossWatch::hear(uint32_t first)
{
	heard_ = true;
	if (isStarved())
		return;

	first_ = first;
	if (told_ == Told::Nothing)
		lostBefore_ = lost_;
}

CmacamLossWatch::News CmacamLossWatch::tell(bool idle)
{
	heard_ = false;
	calm_ = 0;
	told_ = idle ? Told::Starved : Told::Loss;

	return News::Begun;
}

} /* namespace libcamera */
