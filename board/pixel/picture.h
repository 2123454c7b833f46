/* SPDX-License-Identifier: MIT */
/*
 * A picture of a source: three planes of 8-bit R, G and B. The planes are separate,
 * because the compiler cannot vectorise loops over packed pixels.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace cmacam::board {

struct Size
{
	uint32_t width = 0;  /* pixels */
	uint32_t height = 0; /* lines */

	bool operator==(const Size &) const = default;
};

struct Rectangle
{
	uint32_t left = 0;   /* pixels */
	uint32_t top = 0;    /* lines */
	uint32_t width = 0;  /* pixels */
	uint32_t height = 0; /* lines */

	bool operator==(const Rectangle &) const = default;
};

/* The part of a picture that a frame shows, and the orientation of that part. */
struct View
{
	Size array;	   /* size of the sensor's array, which the picture shows as a whole */
	Rectangle crop;	   /* the part of the array that the frame shows, in pixels */
	uint32_t flip = 0; /* CMACAM_FLIP_* */

	static View whole(Size size) { return {size, {0, 0, size.width, size.height}, 0}; }

	bool operator==(const View &) const = default;
};

class Picture
{
public:
	enum Plane { kRed, kGreen, kBlue, kPlanes };

	explicit Picture(Size size) : size_(size)
	{
		for (auto &plane : planes_)
			plane.resize(std::size_t{size.width} * size.height);
	}

	Size size() const { return size_; }

	uint8_t *row(Plane plane, uint32_t y)
	{
		return planes_[plane].data() + std::size_t{y} * size_.width;
	}
	const uint8_t *row(Plane plane, uint32_t y) const
	{
		return planes_[plane].data() + std::size_t{y} * size_.width;
	}

private:
	Size size_;
	std::array<std::vector<uint8_t>, kPlanes> planes_;
};

using PicturePtr = std::shared_ptr<const Picture>;

} /* namespace cmacam::board */
