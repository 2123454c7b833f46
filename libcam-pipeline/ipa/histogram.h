/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Luminance histogram of a frame, which predicts the mean at other exposures.
 */

#pragma once

#include <array>
#include <cstdint>

#include <linux/cmacam.h>

namespace cmacam::ipa {

class Histogram
{
public:
	static constexpr double kWhite = 255;

	explicit Histogram(const cmacam_stats &stats);

	bool isEmpty() const { return count_[kBins] == 0; }
	double mean() const { return meanAt(1); }

	double meanAt(double ratio) const;
	double ratioTo(double target) const;

	/* ratioTo() returns at most this ratio. The next frame determines the next step. */
	static constexpr double kLargestRatio = 16;

private:
	static constexpr unsigned int kBins = CMACAM_STATS_HISTOGRAM;

	/* For each bin, over all lower bins: number of samples, and sum of their code values */
	std::array<uint64_t, kBins + 1> count_{};
	std::array<uint64_t, kBins + 1> weight_{};
};

} /* namespace cmacam::ipa */
