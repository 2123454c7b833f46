/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Conversion between microseconds and lines of a rolling-shutter sensor.
 *
 * This file needs neither libcamera nor a device, so its tests can run on any
 * machine.
 */

#pragma once

#include <algorithm>
#include <cstdint>

namespace cmacam {

/**
 * Duration of one line.
 *
 * microseconds() and lines() round to the nearest value. If a line takes longer
 * than one microsecond, microseconds() followed by lines() gives the original
 * number of lines, because the rounding error of half a microsecond is less
 * than half a line.
 */
struct LineTiming
{
	uint64_t pixelRate = 0;	 /* pixels per second */
	uint32_t lineLength = 0; /* pixels, blanking included */

	constexpr bool isValid() const { return pixelRate && lineLength; }

	/** Convert lines to microseconds, rounded to nearest; 0 if the timing is not valid. */
	constexpr int64_t microseconds(uint32_t lines) const
	{
		if (!isValid())
			return 0;

		uint64_t pixels = static_cast<uint64_t>(lines) * lineLength;
		return (pixels * kSecond + pixelRate / 2) / pixelRate;
	}

	/** Convert lines to microseconds, rounded down; 0 if the timing is not valid. */
	constexpr int64_t microsecondsDown(uint32_t lines) const
	{
		return isValid() ? static_cast<uint64_t>(lines) * lineLength * kSecond / pixelRate
				 : 0;
	}

	/** Convert microseconds to lines; 0 if \a us is negative or the timing is not valid. */
	constexpr uint32_t lines(int64_t us) const
	{
		if (!isValid())
			return 0;

		/* Durations are limited to half an hour, so that the products fit into 64 bits. */
		uint64_t duration = std::clamp<int64_t>(us, 0, kLongest);
		uint64_t unit = kSecond * lineLength;
		return (duration * pixelRate + unit / 2) / unit;
	}

private:
	static constexpr uint64_t kSecond = 1000000;
	static constexpr int64_t kLongest = 1800 * 1000000LL;
};

/** Limits of the sensor, in lines. */
struct FrameLimits
{
	uint32_t minFrame = 0; /* shortest frame length */
	uint32_t maxFrame = 0; /* longest frame length */
	uint32_t minExposure = 0;
	uint32_t margin = 0; /* the largest exposure is the frame length minus margin */
};

/** A frame length and the exposure that fits into it. */
struct FrameShape
{
	uint32_t frame = 0;
	uint32_t exposure = 0;

	bool operator==(const FrameShape &) const = default;
};

/**
 * Choose a frame length from \a shortest to \a longest lines for a wanted exposure.
 *
 * If the exposure does not fit into the shortest frame, a longer frame is chosen.
 * If the exposure does not fit into the longest frame, the exposure is shortened.
 */
constexpr FrameShape fitFrame(const FrameLimits &sensor, uint32_t shortest, uint32_t longest,
			      uint32_t exposure)
{
	shortest = std::clamp(shortest, sensor.minFrame, sensor.maxFrame);
	longest = std::clamp(longest, shortest, sensor.maxFrame);

	FrameShape shape;
	uint64_t needed = static_cast<uint64_t>(exposure) + sensor.margin;
	shape.frame = std::clamp<uint64_t>(needed, shortest, longest);

	uint32_t room = shape.frame > sensor.margin ? shape.frame - sensor.margin : 0;
	shape.exposure =
		std::clamp(exposure, sensor.minExposure, std::max(room, sensor.minExposure));

	return shape;
}

} /* namespace cmacam */
