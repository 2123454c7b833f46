/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Joins the statistics of a frame with the exposure and the gain of that frame.
 */

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <linux/cmacam.h>

#include "ipa/settings.h"

namespace libcamera {

/**
 * \brief Finds the statistics and the metadata record that have the same timestamp
 *
 * Statistics and records arrive on separate file descriptors. The statistics of
 * a frame may arrive before or after the record of the same frame. Statistics and
 * records can get lost. Only the newest statistics wait for a record. The newest
 * statistics describe the scene better than older statistics, and the algorithms
 * do not need the statistics of every frame.
 */
class CmacamStatsJoin
{
public:
	struct Match
	{
		const cmacam_stats *stats = nullptr; /* nullptr if there is no match yet */
		cmacam::ipa::InForce inForce;
	};

	/** Add the record of a frame. The result is valid until the next addStats(). */
	Match addRecord(uint64_t timestamp, const cmacam::ipa::InForce &inForce)
	{
		frames_[next_++ % frames_.size()] = {timestamp, inForce};

		return find();
	}

	/** Add the statistics of a frame. The result is valid until the next addStats(). */
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
	uint64_t statsTimestamp_ = 0; /* 0 if no statistics wait for a record */
};

} /* namespace libcamera */
