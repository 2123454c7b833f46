/* SPDX-License-Identifier: MIT */
/*
 * What the statistics channel says about a picture.
 */
#include "pixel/statistics.h"

#include <array>

namespace cmacam::board {

namespace {

constexpr uint32_t kSamplesOfZone = kZoneSamples * kZoneSamples;

/* Of one zone, while its samples come in. */
struct Sums
{
	std::array<uint32_t, Picture::kPlanes> planes{};
	uint32_t saturated = 0;
};

/* The pixels of a picture under evenly spread samples of the part that is shown. */
template <uint32_t Count>
std::array<uint32_t, Count> places(uint32_t input, uint32_t array, uint32_t begin, uint32_t size,
				   bool mirrored)
{
	std::array<uint32_t, Count> result;

	for (uint32_t i = 0; i < Count; i++) {
		const uint64_t place = uint64_t{2 * i + 1} * size + uint64_t{2} * begin * Count;
		result[mirrored ? Count - 1 - i : i] =
			static_cast<uint32_t>(place * input / (uint64_t{2} * Count * array));
	}

	return result;
}

/* A mean, 8-bit code * 256. */
uint16_t meanOf(uint32_t sum)
{
	return static_cast<uint16_t>(sum * 256 / kSamplesOfZone);
}

} /* namespace */

void measure(const Picture &picture, const View &view, const Light &light, cmacam_stats_data &data)
{
	const auto columns = places<kStatisticsSize.width>(picture.size().width, view.array.width,
							   view.crop.left, view.crop.width,
							   view.flip & CMACAM_FLIP_HORIZONTAL);
	const auto rows = places<kStatisticsSize.height>(picture.size().height, view.array.height,
							 view.crop.top, view.crop.height,
							 view.flip & CMACAM_FLIP_VERTICAL);
	std::array<Curve, Picture::kPlanes> curves;
	std::array<std::array<Sums, CMACAM_STATS_COLUMNS>, CMACAM_STATS_ROWS> zones{};

	for (unsigned int p = 0; p < Picture::kPlanes; p++)
		curves[p] = lightCurve(light[p]);

	data = {};
	data.size = sizeof(data);
	data.samples = kStatisticsSize.width * kStatisticsSize.height;

	for (uint32_t y = 0; y < rows.size(); y++) {
		const uint8_t *r = picture.row(Picture::kRed, rows[y]);
		const uint8_t *g = picture.row(Picture::kGreen, rows[y]);
		const uint8_t *b = picture.row(Picture::kBlue, rows[y]);

		for (uint32_t x = 0; x < columns.size(); x++) {
			const uint8_t red = curves[Picture::kRed][r[columns[x]]];
			const uint8_t green = curves[Picture::kGreen][g[columns[x]]];
			const uint8_t blue = curves[Picture::kBlue][b[columns[x]]];
			Sums &zone = zones[y / kZoneSamples][x / kZoneSamples];

			data.histogram[fullRangeLuma(red, green, blue)]++;
			zone.planes[Picture::kRed] += red;
			zone.planes[Picture::kGreen] += green;
			zone.planes[Picture::kBlue] += blue;
			zone.saturated += red == 255 || green == 255 || blue == 255;
		}
	}

	for (uint32_t y = 0; y < CMACAM_STATS_ROWS; y++) {
		for (uint32_t x = 0; x < CMACAM_STATS_COLUMNS; x++) {
			const Sums &sums = zones[y][x];
			data.zones[y][x] = {
				.red = meanOf(sums.planes[Picture::kRed]),
				.green = meanOf(sums.planes[Picture::kGreen]),
				.blue = meanOf(sums.planes[Picture::kBlue]),
				.saturated = static_cast<uint16_t>(sums.saturated * 65535 /
								   kSamplesOfZone),
			};
		}
	}
}

} /* namespace cmacam::board */
