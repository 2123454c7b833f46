/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Decides which losses of frames are reported, and when.
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

	/* Number of successive frames without a loss after which an episode is over */
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
		Starved, /* frames were lost while no request was queued; more losses may follow */
	};

	Told told_ = Told::Nothing;
	bool heard_ = false;	  /* the driver reported a loss whose cause is not known yet */
	uint32_t first_ = 0;	  /* number of the first lost frame */
	uint32_t wholeSince_ = 0; /* number of the first frame after the last loss */
	uint32_t next_ = 0;	  /* number of the last completed frame, plus one */
	uint32_t lost_ = 0;	  /* number of frames lost since the session began */
	uint32_t lostBefore_ = 0; /* value of lost_ when the episode began */
	unsigned int calm_ = 0;	  /* number of frames completed since the last loss */
};

} /* namespace libcamera */
