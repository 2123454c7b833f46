/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is to be said of lost frames, and when.
 */

#include "loss_watch.h"

namespace libcamera {

/**
 * \class CmacamLossWatch
 * \brief Groups lost frames into episodes, whose begin and end are reported
 *
 * An application that is too slow loses a few frames again and again. All these
 * losses are one episode. The episode is over when kCalm successive frames have
 * completed without a loss. If a loss happens while no request is queued, the
 * watch reports this once in each episode.
 *
 * The driver notifies the handler of a loss at once. This may be long before the
 * next frame completes. At that time, the handler may not have processed all
 * frames that the driver finished before the loss. So the watch cannot always
 * decide at once whether the driver had no buffers.
 */

/**
 * \brief Handle the notification that the driver has lost a frame
 * \param[in] first Sequence number of the first lost frame
 * \param[in] idle Whether no request is queued
 * \return The event to report
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
 * \brief Handle a completed frame
 * \param[in] sequence Sequence number of the frame
 * \param[in] lost Number of frames lost before this frame since the session began
 * \param[in] idle Whether no request is queued after this frame
 * \return The event to report
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
 * \brief End the current episode, if there is one
 * \param[in] lost Number of frames lost since the session began
 * \return True if there was an episode
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
