/* SPDX-License-Identifier: MIT */
/*
 * A moving synthetic picture, different in each frame.
 */
#include "source/pattern_source.h"

#include <algorithm>
#include <array>
#include <vector>

namespace cmacam::board {

namespace {

/* Levels or, for the box, 1/256 of its way that each frame moves on. */
constexpr std::array<uint64_t, Picture::kPlanes> kSpeed = {3, 5, 7};
constexpr uint64_t kBoxSpeed = 3;

/* Its edge is this part of the picture's height. */
constexpr uint32_t kBoxPart = 8;

/* 0 to 255 along `count` positions. */
uint8_t ramp(uint64_t position, uint64_t count)
{
	return static_cast<uint8_t>(position * 256 / count);
}

/* Red runs along the lines, green down the picture, blue along the diagonal. */
void drawRamps(Picture &picture, uint64_t sequence)
{
	const auto [width, height] = picture.size();
	std::vector<uint8_t> red(width);
	std::vector<uint8_t> blue(width + height);

	for (uint32_t x = 0; x < width; x++)
		red[x] = static_cast<uint8_t>(ramp(x, width) + kSpeed[Picture::kRed] * sequence);
	for (uint32_t d = 0; d < width + height; d++)
		blue[d] = static_cast<uint8_t>(ramp(d, width + height) +
					       kSpeed[Picture::kBlue] * sequence);

	for (uint32_t y = 0; y < height; y++) {
		const auto green =
			static_cast<uint8_t>(ramp(y, height) + kSpeed[Picture::kGreen] * sequence);
		std::copy_n(red.begin(), width, picture.row(Picture::kRed, y));
		std::fill_n(picture.row(Picture::kGreen, y), width, green);
		std::copy_n(blue.begin() + y, width, picture.row(Picture::kBlue, y));
	}
}

/* A white box that crosses the picture, for the eye. */
void drawBox(Picture &picture, uint64_t sequence)
{
	const auto [width, height] = picture.size();
	const uint32_t edge = std::min(height / kBoxPart, width);
	const uint64_t step = sequence * kBoxSpeed % 256;
	const auto left = static_cast<uint32_t>((width - edge) * step / 255);
	const auto top = static_cast<uint32_t>((height - edge) * step / 255);

	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		for (uint32_t y = top; y < top + edge; y++)
			std::fill_n(picture.row(static_cast<Picture::Plane>(p), y) + left, edge,
				    255);
	}
}

} /* namespace */

PicturePtr PatternSource::picture(uint64_t sequence, Size wanted)
{
	auto slot = std::ranges::find_if(
		pictures_, [&](const auto &each) { return each && each->size() == wanted; });

	if (slot == pictures_.end())
		slot = pictures_.begin() + turn_++ % pictures_.size();
	if (!*slot || slot->use_count() > 1 || (*slot)->size() != wanted)
		*slot = std::make_shared<Picture>(wanted);

	drawRamps(**slot, sequence);
	drawBox(**slot, sequence);
	return *slot;
}

} /* namespace cmacam::board */
