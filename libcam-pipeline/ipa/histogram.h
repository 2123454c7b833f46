/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The luminance histogram of a frame, and what it says about other exposures.
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

	/* No step is larger than this; the next frame tells how to go on. */
	static constexpr double kLargestRatio = 16;

private:
	static constexpr unsigned int kBins = CMACAM_STATS_HISTOGRAM;

	/* Of the bins below: samples, and the sum of their code values. */
	std::array<uint64_t, kBins + 1> count_{};
	std::array<uint64_t, kBins + 1> weight_{};
};

} /* namespace cmacam::ipa */
