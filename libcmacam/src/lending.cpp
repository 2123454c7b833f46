/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decides which readers of a FrameServer get the next frame.
 */

#include "lending.h"

#include <algorithm>

namespace cmacam {

namespace {

/* A reader that was stopped for an hour does not pay for an hour. */
constexpr unsigned int kDebtMax = 600;

/* Whether a reader would keep the buffer of a frame much longer than all others do. */
bool isSlower(const Borrower &reader, unsigned int longest)
{
	return reader.hold > 2 * longest + 1;
}

} /* namespace */

void Lending::blame(std::span<Borrower *const> readers) const
{
	const bool waits = std::ranges::any_of(
		readers, [](const Borrower *reader) { return !reader->held && !reader->debt; });
	if (!waits)
		return;

	for (Borrower *reader : readers) {
		if (reader->held)
			reader->debt = std::min(reader->debt + 1, kDebtMax);
	}
}

void Lending::offer(std::span<Borrower *const> readers, unsigned int lent, bool isLent)
{
	for (Borrower *reader : readers)
		reader->gets = false;
	if (!isLent && lent >= lendable_) {
		blame(readers);
		return;
	}

	const auto count = static_cast<unsigned int>(readers.size());
	const unsigned int part = std::max(lendable_ / std::max(count, 1U), 1U);
	const bool more = lent + (isLent ? 0 : 1) < lendable_;

	bool taken = false;
	unsigned int longest = 0;
	for (Borrower *reader : readers) {
		reader->gets = reader->held < reader->credits && (reader->held < part || more);
		if (reader->gets && !reader->debt) {
			taken = true;
			longest = std::max(longest, reader->hold);
		}
	}
	if (!taken)
		return;

	for (Borrower *reader : readers) {
		if (!reader->debt)
			continue;
		reader->debt--;
		if (isSlower(*reader, longest))
			reader->gets = false;
	}
	debt_ -= std::min(debt_, 1U);
}

Borrower Lending::newcomer(unsigned int credits) const
{
	return {.credits = credits, .hold = debt_ ? hold_ : 0, .debt = debt_};
}

void Lending::hasLeft(const Borrower &reader)
{
	if (!reader.debt)
		return;
	hold_ = std::max(debt_ ? hold_ : 0, reader.hold);
	debt_ = std::max(debt_, reader.debt);
}

} /* namespace cmacam */
