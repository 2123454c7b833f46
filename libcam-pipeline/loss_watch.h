/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is to be said of lost frames, and when.
 */

#pragma once

#include <cstdint>

namespace libcamera {

class CmacamLossWatch
{
public:
	enum class News {
		None,
		Begun,
		Over,
	};

	/* Frames in a row that end an episode. */
	static constexpr unsigned int kCalm = 30;

	void start() { *this = {}; }
	News lost(uint32_t first, bool idle);
	News completed(uint32_t sequence, uint32_t lost, bool idle);
	bool stopped(uint32_t lost);

	uint32_t first() const { return first_; }
	bool isStarved() const { return told_ == Told::Starved; }
	uint32_t total() const { return lost_; }
	uint32_t count() const { return lost_ - lostBefore_; }
	uint32_t wholeSince() const { return wholeSince_; }

private:
	void hear(uint32_t first);
	News tell(bool idle);

	enum class Told {
		Nothing,
		Loss,
		Starved, /* a loss, with no request queued: it may last */
	};

	Told told_ = Told::Nothing;
	bool heard_ = false;	  /* of a loss, and not yet what it came of */
	uint32_t first_ = 0;	  /* number of the first frame that was lost */
	uint32_t wholeSince_ = 0; /* number of the first frame after the last loss */
	uint32_t next_ = 0;	  /* of the last completed frame, plus one */
	uint32_t lost_ = 0;	  /* since the session began */
	uint32_t lostBefore_ = 0; /* the episode began */
	unsigned int calm_ = 0;	  /* frames since the last loss */
};

} /* namespace libcamera */
