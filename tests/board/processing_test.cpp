/* SPDX-License-Identifier: MIT */
/*
 * Image processing against the formulas of docs/registers.md.
 */
#include "pixel/processing.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

using namespace cmacam::board;

namespace {

constexpr std::size_t kWidth = 1000;
/* Weights of luma in 1/256, and the product rounded: two roundings more than the formulas. */
constexpr int kTolerance = 3;

struct Line
{
	explicit Line(unsigned int seed)
	{
		std::mt19937 random(seed);
		for (auto &plane : planes) {
			plane.resize(kWidth);
			std::ranges::generate(plane,
					      [&] { return static_cast<uint8_t>(random()); });
		}
	}
	RgbLine view() const { return {planes[0].data(), planes[1].data(), planes[2].data()}; }

	std::array<std::vector<uint8_t>, Picture::kPlanes> planes;
};

double code(double value)
{
	return std::clamp(std::floor(value + 0.5), 0.0, 255.0);
}

std::array<double, 3> expected(const Processing &p, std::array<double, 3> rgb)
{
	const Adjustments &a = p.adjustments;
	const double gains[] = {a.redGain / 256.0, 1, a.blueGain / 256.0};
	for (unsigned int i = 0; i < 3; i++) {
		double c = code(rgb[i] * p.light[i]);
		c = code(c * gains[i]);
		rgb[i] = code(128 + (c - 128) * a.contrast / 256.0 + a.brightness);
	}
	const double luma = code(0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]);
	for (double &c : rgb)
		c = code(luma + (c - luma) * a.saturation / 256.0);
	return rgb;
}

} /* namespace */

TEST(Processor, FollowsTheFormulas)
{
	Processing cases[12];
	cases[1].light = {2, 1, 0.5};
	cases[2].adjustments.redGain = 400;
	cases[3].adjustments.blueGain = 100;
	cases[4].adjustments.brightness = 40;
	cases[5].adjustments.brightness = -100;
	cases[6].adjustments.contrast = 600;
	cases[7].adjustments.contrast = 0;
	cases[8].adjustments.saturation = 0;
	cases[9].adjustments.saturation = 1024;
	cases[10] = {{0.1, 0.2, 0.3}, 2048, 64, 20, 300, 300};
	cases[11] = {{1.2, 1.2, 1.2}, 300, 200, -20, 200, 100};

	Processor kept;
	for (const Processing &values : cases) {
		const Line line(static_cast<unsigned int>(&values - cases));
		kept.start(values, kWidth);
		const RgbLine out = kept.process(line.view());
		for (std::size_t x = 0; x < kWidth; x++) {
			const auto want = expected(values, {double(line.planes[0][x]),
							    double(line.planes[1][x]),
							    double(line.planes[2][x])});
			const bool exact = values.adjustments.saturation == 256;
			ASSERT_NEAR(out.r[x], want[0], exact ? 0 : kTolerance) << &values - cases;
			ASSERT_NEAR(out.g[x], want[1], exact ? 0 : kTolerance) << &values - cases;
			ASSERT_NEAR(out.b[x], want[2], exact ? 0 : kTolerance) << &values - cases;
		}
	}
}

/* Sharpness works on what all else has made of the line, which has ends. */
TEST(Processor, SharpnessComesLast)
{
	const Line line(7);
	for (Processing values : {Processing{}, Processing{{1, 1, 1}, {.contrast = 128}},
				  Processing{{1, 1, 1}, {.redGain = 300, .saturation = 500}}}) {
		Processor plain, sharp;
		plain.start(values, kWidth);
		values.adjustments.sharpness = 700;
		sharp.start(values, kWidth);
		const RgbLine before = plain.process(line.view());
		const RgbLine after = sharp.process(line.view());
		for (std::size_t x = 0; x < kWidth; x++) {
			const double left = before.g[x ? x - 1 : 0];
			const double right = before.g[std::min(x + 1, kWidth - 1)];
			const double c = before.g[x];
			ASSERT_EQ(after.g[x], code(c + (2 * c - left - right) * 700 / 1024)) << x;
		}
		EXPECT_FALSE(std::equal(after.r, after.r + kWidth, before.r));
		EXPECT_FALSE(std::equal(after.b, after.b + kWidth, before.b));
	}
}

/* What changes nothing costs nothing: the very line comes back. */
TEST(Processor, NeutralPassesThrough)
{
	const Line line(1);
	Processor processor;
	processor.start({}, kWidth);
	EXPECT_EQ(processor.process(line.view()).r, line.planes[0].data());

	processor.start({.adjustments = {.redGain = 300}}, kWidth);
	const RgbLine out = processor.process(line.view());
	EXPECT_NE(out.r, line.planes[0].data());
	EXPECT_EQ(out.g, line.planes[1].data());
}

TEST(Processor, TwoLinesLiveAtOnce)
{
	const Line first(1), second(2);
	Processor processor;
	processor.start({.light = {0.5, 0.5, 0.5}, .adjustments = {.saturation = 300}}, kWidth);
	const RgbLine a = processor.process(first.view());
	const std::vector<uint8_t> before(a.g, a.g + kWidth);
	processor.process(second.view());
	EXPECT_TRUE(std::equal(before.begin(), before.end(), a.g));
}
