/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The luminance histogram of a frame, and what it says about other exposures.
 */

#include "histogram.h"

#include <algorithm>
#include <cmath>

#include <endian.h>

namespace cmacam::ipa {

namespace {

/* A pixel that reads 0 is not dark without end, or no ratio would lift it. */
constexpr double kBlackValue = 0.3;

/* Bins from here on count as white: luma of white may be rounded down a little. */
constexpr unsigned int kFirstWhite = 252;

/*
 * Mean, as a share of white, of the pixels that read white, at a lower exposure.
 * In truth, such a pixel was anything up to @brightest times white, each doubling
 * as likely as any other.
 */
double whiteAt(double ratio, double brightest)
{
	const double span = std::log(brightest);
	if (ratio * brightest <= 1)
		return ratio * (brightest - 1) / span;

	/* Those that stay white, and those that come down below it. */
	return 1 - (std::log(1 / ratio) - (1 - ratio)) / span;
}

} /* namespace */

/**
 * \class Histogram
 * \brief Predicts the mean of the same scene at another exposure
 *
 * Up to white, code values are proportional to the exposure. So the prediction
 * for a longer exposure is exact, and it includes clipping. For a shorter
 * exposure, the new values of white pixels are not known, so the prediction
 * assumes them. As a result, a single step down may be slightly too large. The
 * prediction for the next step, to a longer exposure, is exact. So the exposure
 * cannot overshoot twice.
 */

/*
 * Sums over the bins below each bin, so that a prediction need not go through
 * them all: there are a dozen of them per frame.
 */
Histogram::Histogram(const cmacam_stats &stats)
{
	for (unsigned int i = 0; i < kBins; i++) {
		const uint64_t count = le32toh(stats.histogram[i]);
		count_[i + 1] = count_[i] + count;
		weight_[i + 1] = weight_[i] + count * i;
	}
}

/**
 * \brief Predict the mean code value at \a ratio times the exposure
 * \param[in] ratio Ratio of the exposures, greater than 0
 * \param[in] brightest Largest brightness of a white pixel that is assumed, as a multiple of white
 */
double Histogram::meanAt(double ratio, double brightest) const
{
	if (isEmpty())
		return 0;

	/* The first bin that becomes white. */
	const auto clipped = static_cast<unsigned int>(
		std::clamp(std::ceil(kWhite / ratio), 1.0, double(kFirstWhite)));

	const double black = count_[1] * std::min(kWhite, kBlackValue * ratio);
	const double scaled = ratio * weight_[clipped];
	const double brought = kWhite * (count_[kFirstWhite] - count_[clipped]);
	const double white = kWhite * (ratio < 1 ? whiteAt(ratio, brightest) : 1) *
			     (count_[kBins] - count_[kFirstWhite]);

	return (black + scaled + brought + white) / count_[kBins];
}

/**
 * \brief Compute the ratio of exposures that brings the mean to \a target
 * \param[in] target Mean code value, below white
 * \param[in] brightest Largest brightness of a white pixel that is assumed, as a multiple of white
 * \return The ratio, from 1 / kLargestRatio to kLargestRatio
 */
double Histogram::ratioTo(double target, double brightest) const
{
	if (isEmpty())
		return 1;

	/* meanAt() never falls: halve the interval until it is as fine as a gain step. */
	double low = -std::log2(kLargestRatio);
	double high = -low;
	while (high - low > 1.0 / 512) {
		const double middle = (low + high) / 2;
		if (meanAt(std::exp2(middle), brightest) < target)
			low = middle;
		else
			high = middle;
	}

	return std::exp2((low + high) / 2);
}

} /* namespace cmacam::ipa */
