/* SPDX-License-Identifier: MIT */
/*
 * The model of the sensor: the registers of timing, exposure, gain, crop and test
 * patterns. The sensor also has the registers of image processing, because a frame
 * samples all of these registers at the same time.
 */
#pragma once

#include <chrono>
#include <cstdint>

#include "pixel/picture.h"
#include "pixel/processing.h"

namespace cmacam::board {

/* The values of the sensor's registers that apply to one frame. */
struct SensorValues
{
	uint32_t exposure = 0;	  /* lines */
	uint32_t gain = 0;	  /* 1/256 */
	uint32_t pattern = 0;	  /* CMACAM_PATTERN_* */
	uint32_t lineLength = 0;  /* pixels, blanking included */
	uint32_t frameLength = 0; /* lines, blanking included */
	uint32_t flip = 0;	  /* CMACAM_FLIP_* */
	Rectangle crop;		  /* pixels of the sensor's array */
	Adjustments adjustments;

	bool operator==(const SensorValues &) const = default;
};

/* The sensor. It is not thread-safe: the engine's lock guards it. */
class Sensor
{
public:
	static constexpr uint32_t kFastest = 60; /* frames per second */
	static constexpr uint32_t kSlowest = 1;
	static constexpr uint32_t kDefaultRate = 30;
	static constexpr uint32_t kMinSize = 64; /* pixels or lines */

	/*
	 * Whether a sensor of this size is possible. Width and height must be even, at least
	 * kMinSize and at most 65534. The pixel rate at kFastest must fit into 32 bits.
	 */
	static bool supports(uint32_t width, uint32_t height);

	Sensor(uint32_t width, uint32_t height);

	void reset();

	/*
	 * `offset` is CMACAM_SENSOR_* or CMACAM_ISP_*. All other registers read as 0 and
	 * ignore writes.
	 */
	uint32_t read(uint32_t offset) const;
	void write(uint32_t offset, uint32_t value);

	/*
	 * Returns the values for a frame that starts now. If HOLD is not set, the function
	 * first takes over the values that software has written.
	 */
	const SensorValues &sample();

	Size array() const { return {width_, height_}; }
	std::chrono::nanoseconds interval(const SensorValues &values) const;
	std::chrono::nanoseconds exposureTime(const SensorValues &values) const;
	std::chrono::nanoseconds shortestInterval() const;

	/* Brightness of the picture, as a factor of the brightness at default exposure and gain. */
	double light(const SensorValues &values) const;

private:
	std::chrono::nanoseconds duration(uint64_t pixels) const;
	uint32_t defaultFrameLength() const { return minFrameLength_ * (kFastest / kDefaultRate); }
	uint32_t defaultExposure() const { return defaultFrameLength() / 2; }
	Rectangle cropInForce() const;

	const uint32_t width_;
	const uint32_t height_;
	const uint32_t hblank_;
	const uint32_t minFrameLength_;
	const uint32_t pixelRate_;

	uint32_t vblank_ = 0;
	uint32_t exposure_ = 0;
	uint32_t gain_ = 0;
	uint32_t pattern_ = 0;
	uint32_t flip_ = 0;
	uint32_t cropPosition_ = 0; /* as written, not limited yet */
	uint32_t cropSize_ = 0;	    /* as written, not limited yet */
	Adjustments adjustments_;
	bool hold_ = false;
	SensorValues inForce_;
};

} /* namespace cmacam::board */
