/* SPDX-License-Identifier: MIT */
/*
 * Statistics of pictures whose zones are known.
 */
#include "pixel/statistics.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

using namespace cmacam::board;

namespace {

constexpr Size kSize = {320, 240}; /* zones of 20x20 */
constexpr Light kNeutral = {1, 1, 1};

struct Colour
{
	uint8_t r, g, b;
};

void fill(Picture &picture, const Rectangle &where, Colour colour)
{
	const uint8_t codes[] = {colour.r, colour.g, colour.b};

	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		for (uint32_t y = where.top; y < where.top + where.height; y++)
			std::fill_n(picture.row(static_cast<Picture::Plane>(p), y) + where.left,
				    where.width, codes[p]);
	}
}

/* Of one colour, with the zone in column 3 of row 2 in another. */
Picture oneZone(Colour background, Colour zone)
{
	Picture picture(kSize);
	fill(picture, {0, 0, kSize.width, kSize.height}, background);
	fill(picture, {60, 40, 20, 20}, zone);
	return picture;
}

void expectZone(const cmacam_zone_data &zone, Colour colour)
{
	EXPECT_EQ(zone.red, colour.r * 256);
	EXPECT_EQ(zone.green, colour.g * 256);
	EXPECT_EQ(zone.blue, colour.b * 256);
}

cmacam_stats_data statisticsOf(const Picture &picture, const View &view = View::whole(kSize),
			       const Light &light = kNeutral)
{
	cmacam_stats_data data;
	measure(picture, view, light, data);
	return data;
}

} /* namespace */

TEST(Statistics, EachZoneItsColour)
{
	const Colour back = {10, 20, 30}, zone = {200, 100, 255};
	const auto data = statisticsOf(oneZone(back, zone));

	EXPECT_EQ(data.size, sizeof(data));
	EXPECT_EQ(data.samples, 12288u);
	for (unsigned int y = 0; y < CMACAM_STATS_ROWS; y++) {
		for (unsigned int x = 0; x < CMACAM_STATS_COLUMNS; x++) {
			const bool one = y == 2 && x == 3;
			expectZone(data.zones[y][x], one ? zone : back);
			EXPECT_EQ(data.zones[y][x].saturated, one ? 65535 : 0);
		}
	}
	EXPECT_EQ(data.histogram[fullRangeLuma(10, 20, 30)], 12288u - 64);
	EXPECT_EQ(data.histogram[fullRangeLuma(200, 100, 255)], 64u);
	EXPECT_EQ(std::accumulate(std::begin(data.histogram), std::end(data.histogram), 0u),
		  data.samples);
}

TEST(Statistics, ZonesAreThoseOfTheFrame)
{
	const Colour back = {10, 20, 30}, zone = {200, 100, 50};
	const Picture picture = oneZone(back, zone);
	View view = View::whole(kSize);

	view.flip = CMACAM_FLIP_HORIZONTAL;
	expectZone(statisticsOf(picture, view).zones[2][CMACAM_STATS_COLUMNS - 4], zone);
	view.flip = CMACAM_FLIP_VERTICAL;
	expectZone(statisticsOf(picture, view).zones[CMACAM_STATS_ROWS - 3][3], zone);

	/* The zone, in an array of another size, is all that is shown. */
	const View crop = {{640, 720}, {120, 120, 40, 60}, 0};
	const auto data = statisticsOf(picture, crop);
	EXPECT_EQ(data.histogram[fullRangeLuma(200, 100, 50)], data.samples);
}

TEST(Statistics, LightCounts)
{
	const Picture picture = oneZone({10, 20, 30}, {200, 100, 50});
	const auto data = statisticsOf(picture, View::whole(kSize), {2, 1, 0.5});
	expectZone(data.zones[0][0], {20, 20, 15});
	expectZone(data.zones[2][3], {255, 100, 25});
	EXPECT_EQ(data.zones[2][3].saturated, 65535);
}

TEST(Statistics, SharesOfAZone)
{
	Picture picture(kSize);
	fill(picture, {0, 0, 10, 20}, {255, 0, 0}); /* the left half of the first zone */
	const auto data = statisticsOf(picture);
	EXPECT_EQ(data.zones[0][0].saturated, 32767);
	EXPECT_EQ(data.zones[0][0].red, 255 * 128);
}
