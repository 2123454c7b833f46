/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decides which readers of a FrameServer get the next frame.
 */

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cmacam {

/** What Lending knows of a reader. */
struct Borrower
{
	unsigned int credits = 0; /**< largest number of frames that the reader may hold */
	unsigned int held = 0;	  /**< number of frames that the reader holds */
	unsigned int hold = 0;	  /**< number of frames published while it held its last frame */
	unsigned int debt = 0;	  /**< number of frames that others get before it gets one */
	bool gets = false;	  /**< whether the reader gets the frame that was offered last */
};

/**
 * The rules by which readers share the few buffers that may be lent.
 *
 * All readers that take a frame share its buffer, which is free again when the last
 * of them has returned it. So one slow reader may use up the buffers for all.
 *
 * - The last free buffer is for readers that hold less than their equal part of the
 *   buffers, or nothing.
 * - If no buffer may be lent while a reader waits that holds nothing, the readers that hold
 *   frames get into debt by one frame. A reader in debt is left out as long as others take
 *   frames, unless it returns frames about as soon as these others. Each frame that others
 *   take reduces the debt.
 * - A reader that connects has the debt of the readers that have left, so that connecting
 *   again is of no use.
 */
class Lending
{
public:
	/** \param[in] lendable The largest number of buffers that are lent at the same time */
	explicit Lending(unsigned int lendable) : lendable_(lendable) {}

	/**
	 * Offer a frame to all readers. Sets Borrower::gets.
	 *
	 * \param[in] readers All connected readers
	 * \param[in] lent The number of buffers that are lent
	 * \param[in] isLent Whether the buffer of this frame is among these
	 */
	void offer(std::span<Borrower *const> readers, unsigned int lent, bool isLent);

	/** \return A reader that has just connected */
	Borrower newcomer(unsigned int credits) const;

	/** Keep the debt of a reader that has left. */
	void hasLeft(const Borrower &reader);

private:
	void blame(std::span<Borrower *const> readers) const;

	unsigned int lendable_;
	unsigned int debt_ = 0; /* of the readers that have left */
	unsigned int hold_ = 0; /* of the slowest of them */
};

} /* namespace cmacam */
