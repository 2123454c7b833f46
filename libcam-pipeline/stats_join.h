/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which exposure the statistics of a frame were taken with.
 */

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <linux/cmacam.h>

#include "ipa/settings.h"

namespace libcamera {

/**
 * \brief Finds statistics and metadata record of the same frame, by timestamp
 *
 * They arrive on two file descriptors, in either order, and either can get
 * lost. Of statistics that wait for a record only the latest are kept: newer
 * ones say more, and the algorithms do not need those of every frame.
 */
class CmacamStatsJoin
{
public:
	struct Match
	{
		const cmacam_stats *stats = nullptr; /* none: nothing has come together */
		cmacam::ipa::InForce inForce;
	};

	/** The result is valid until the next call. */
	Match addRecord(uint64_t timestamp, const cmacam::ipa::InForce &inForce)
	{
		frames_[next_++ % frames_.size()] = {timestamp, inForce};

		return find();
	}

	/** The result is valid until the next call. */
	Match addStats(uint64_t timestamp, const cmacam_stats &stats)
	{
		statsTimestamp_ = timestamp;
		stats_ = stats;

		return find();
	}

	void clear()
	{
		frames_ = {};
		statsTimestamp_ = 0;
	}

private:
	struct Frame
	{
		uint64_t timestamp;
		cmacam::ipa::InForce inForce;
	};

	Match find()
	{
		auto it = std::find_if(frames_.begin(), frames_.end(), [this](const Frame &f) {
			return f.timestamp == statsTimestamp_;
		});
		if (!statsTimestamp_ || it == frames_.end())
			return {};

		statsTimestamp_ = 0;

		return {&stats_, it->inForce};
	}

	std::array<Frame, 16> frames_{};
	unsigned int next_ = 0;

	cmacam_stats stats_{};
	uint64_t statsTimestamp_ = 0; /* 0: none is waiting */
};

} /* namespace libcamera */
