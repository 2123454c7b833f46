/* SPDX-License-Identifier: MIT */
/*
 * Flicker: what exposures of different lengths see of it.
 */
#include "engine/flicker.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

namespace cmacam::board {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr Flicker kMains = {.frequency = 100, .depth = 40};

/* The largest distance from steady light that an exposure of this length sees. */
double worst(const Flicker &flicker, nanoseconds exposure)
{
	double worst = 0;

	for (nanoseconds start{}; start < milliseconds(10); start += microseconds(100))
		worst = std::max(worst, std::abs(flicker.seenBy(start, exposure) - 1));
	return worst;
}

TEST(Flicker, WholePeriodsSeeSteadyLight)
{
	for (int periods : {1, 2, 3})
		EXPECT_LT(worst(kMains, periods * milliseconds(10)), 1e-9) << periods;
}

TEST(Flicker, OtherExposuresSeeItAndShortOnesMost)
{
	EXPECT_NEAR(worst(kMains, nanoseconds(1)), 0.4, 1e-6);
	/* Half a period, and one and a half: the mean of a half cosine is 2 / pi. */
	EXPECT_NEAR(worst(kMains, milliseconds(5)), 0.4 * 2 / M_PI, 1e-6);
	EXPECT_NEAR(worst(kMains, milliseconds(15)), 0.4 * 2 / M_PI / 3, 1e-6);
}

TEST(Flicker, ItDependsOnTheStart)
{
	EXPECT_NEAR(kMains.seenBy({}, nanoseconds(1)), 1.4, 1e-6);
	EXPECT_NEAR(kMains.seenBy(milliseconds(5), nanoseconds(1)), 0.6, 1e-6);
	EXPECT_NEAR(kMains.seenBy(milliseconds(10), nanoseconds(1)), 1.4, 1e-6);
}

TEST(Flicker, NoneIsExactlySteady)
{
	EXPECT_EQ(Flicker().seenBy(milliseconds(3), milliseconds(7)), 1);
	EXPECT_EQ(kMains.seenBy(milliseconds(3), {}), 1);
}

} /* namespace */
} /* namespace cmacam::board */
