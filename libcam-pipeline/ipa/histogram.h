/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Luminance histogram of a frame, which predicts the mean code value at other exposures.
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
	/* Usual brightness of the brightest white pixel, as a multiple of white */
	static constexpr double kLikelyBrightest = 8;

	explicit Histogram(const cmacam_stats &stats);

	bool isEmpty() const { return count_[kBins] == 0; }
	double mean() const { return meanAt(1); }

	double meanAt(double ratio, double brightest = kLikelyBrightest) const;
	double ratioTo(double target, double brightest = kLikelyBrightest) const;

	/*
	 * Largest ratio that ratioTo() returns. If a larger ratio is needed, the next
	 * frame determines the next step.
	 */
	static constexpr double kLargestRatio = 16;

private:
	static constexpr unsigned int kBins = CMACAM_STATS_HISTOGRAM;

	/* Element n is the number of samples in all bins below n. */
	std::array<uint64_t, kBins + 1> count_{};
	/* Element n is the sum of the code values of the samples in all bins below n. */
	std::array<uint64_t, kBins + 1> weight_{};
};

} /* namespace cmacam::ipa */
