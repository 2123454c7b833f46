/* SPDX-License-Identifier: MIT */
/*
 * The sensor model: timing, exposure, gain, crop and test patterns as registers,
 * and those of the image processing that are sampled with them.
 */
#include "engine/sensor.h"

#include <algorithm>
#include <limits>

#include <cmacam-regs.h>

#include "engine/controls.h"

namespace cmacam::board {

namespace {

constexpr uint32_t kExposureMin = 1;	/* lines */
constexpr uint32_t kExposureMargin = 8; /* lines */
constexpr uint32_t kGainUnit = 256;
constexpr uint32_t kGainMax = 16 * kGainUnit;

constexpr uint32_t kCropMin = 16; /* pixels or lines */
constexpr uint32_t kAllFlips = CMACAM_FLIP_HORIZONTAL | CMACAM_FLIP_VERTICAL;

/* Largest field of CMACAM_SENSOR_ARRAY. */
constexpr uint32_t kMaxArraySize = 0xfffe;

/*
 * Blanking in the proportions of the 594 MHz timing of 3840x2160 at 60 Hz:
 * 4400 pixels a line, 2250 lines a frame.
 */
constexpr uint32_t hblankOf(uint32_t width)
{
	return width * 560 / 3840 / 2 * 2;
}

constexpr uint32_t minFrameLengthOf(uint32_t height)
{
	return height + std::max(height * 90 / 2160, 4u);
}

constexpr uint64_t pixelRateOf(uint32_t width, uint32_t height)
{
	return uint64_t{width + hblankOf(width)} * minFrameLengthOf(height) * Sensor::kFastest;
}

/* One direction of the crop: what was written moves and shrinks into the array. */
void fit(uint32_t writtenPosition, uint32_t writtenSize, uint32_t array, uint32_t &position,
	 uint32_t &size)
{
	size = writtenSize ? std::clamp(writtenSize & ~1u, kCropMin, array) : array;
	position = std::min(writtenPosition & ~1u, array - size);
}

static_assert(pixelRateOf(3840, 2160) == 594000000);

} /* namespace */

bool Sensor::supports(uint32_t width, uint32_t height)
{
	return width % 2 == 0 && height % 2 == 0 && width >= kMinSize && height >= kMinSize &&
	       width <= kMaxArraySize && height <= kMaxArraySize &&
	       pixelRateOf(width, height) <= std::numeric_limits<uint32_t>::max();
}

Sensor::Sensor(uint32_t width, uint32_t height)
	: width_(width),
	  height_(height),
	  hblank_(hblankOf(width)),
	  minFrameLength_(minFrameLengthOf(height)),
	  pixelRate_(static_cast<uint32_t>(pixelRateOf(width, height)))
{
	reset();
}

void Sensor::reset()
{
	vblank_ = defaultFrameLength() - height_;
	exposure_ = defaultExposure();
	gain_ = kGainUnit;
	pattern_ = CMACAM_PATTERN_OFF;
	flip_ = 0;
	cropPosition_ = 0;
	cropSize_ = 0;
	adjustments_ = {};
	hold_ = false;
	sample();
}

uint32_t Sensor::read(uint32_t offset) const
{
	if (const Control *control = controlAt(offset))
		return static_cast<uint32_t>(adjustments_.*control->value);

	switch (offset) {
	case CMACAM_SENSOR_ARRAY:
		return height_ << 16 | width_;
	case CMACAM_SENSOR_PIXEL_RATE:
		return pixelRate_;
	case CMACAM_SENSOR_HBLANK:
		return hblank_;
	case CMACAM_SENSOR_VBLANK:
		return vblank_;
	case CMACAM_SENSOR_VBLANK_MIN:
		return minFrameLength_ - height_;
	case CMACAM_SENSOR_VBLANK_MAX:
		return minFrameLength_ * (kFastest / kSlowest) - height_;
	case CMACAM_SENSOR_EXPOSURE:
		return exposure_;
	case CMACAM_SENSOR_EXPOSURE_MIN:
		return kExposureMin;
	case CMACAM_SENSOR_EXPOSURE_MARGIN:
		return kExposureMargin;
	case CMACAM_SENSOR_GAIN:
		return gain_;
	case CMACAM_SENSOR_GAIN_MIN:
		return kGainUnit;
	case CMACAM_SENSOR_GAIN_MAX:
		return kGainMax;
	case CMACAM_SENSOR_PATTERN:
		return pattern_;
	case CMACAM_SENSOR_HOLD:
		return hold_;
	case CMACAM_SENSOR_FLIP:
		return flip_;
	case CMACAM_SENSOR_CROP_POS:
		return cropPosition_;
	case CMACAM_SENSOR_CROP_SIZE:
		return cropSize_;
	default:
		return 0;
	}
}

void Sensor::write(uint32_t offset, uint32_t value)
{
	if (const Control *control = controlAt(offset)) {
		adjustments_.*control->value = control->clamp(value);
		return;
	}

	switch (offset) {
	case CMACAM_SENSOR_VBLANK:
		vblank_ = std::clamp(value, read(CMACAM_SENSOR_VBLANK_MIN),
				     read(CMACAM_SENSOR_VBLANK_MAX));
		break;
	case CMACAM_SENSOR_EXPOSURE:
		exposure_ = std::max(value, kExposureMin);
		break;
	case CMACAM_SENSOR_GAIN:
		gain_ = std::clamp(value, kGainUnit, kGainMax);
		break;
	case CMACAM_SENSOR_PATTERN:
		pattern_ = value < CMACAM_PATTERN_COUNT ? value : CMACAM_PATTERN_OFF;
		break;
	case CMACAM_SENSOR_HOLD:
		hold_ = value & 1;
		break;
	case CMACAM_SENSOR_FLIP:
		flip_ = value & kAllFlips;
		break;
	case CMACAM_SENSOR_CROP_POS:
		cropPosition_ = value;
		break;
	case CMACAM_SENSOR_CROP_SIZE:
		cropSize_ = value;
		break;
	default: /* read-only or reserved */
		break;
	}
}

const SensorValues &Sensor::sample()
{
	if (!hold_) {
		inForce_.lineLength = width_ + hblank_;
		inForce_.frameLength = height_ + vblank_;
		/* The limit depends on VBLANK, which may be written after EXPOSURE. */
		inForce_.exposure = std::min(exposure_, inForce_.frameLength - kExposureMargin);
		inForce_.gain = gain_;
		inForce_.pattern = pattern_;
		inForce_.flip = flip_;
		inForce_.crop = cropInForce();
		inForce_.adjustments = adjustments_;
	}

	return inForce_;
}

/* Position and size come in two writes of any order, so limits act here. */
Rectangle Sensor::cropInForce() const
{
	Rectangle crop;

	fit(cropPosition_ & 0xffff, cropSize_ & 0xffff, width_, crop.left, crop.width);
	fit(cropPosition_ >> 16, cropSize_ >> 16, height_, crop.top, crop.height);
	return crop;
}

std::chrono::nanoseconds Sensor::duration(uint64_t pixels) const
{
	/* At most 60 * 2^32 pixels, so the product fits 64 bits only in two steps. */
	const uint64_t seconds = pixels / pixelRate_;
	const uint64_t rest = pixels % pixelRate_;
	return std::chrono::nanoseconds(seconds * 1000000000 + rest * 1000000000 / pixelRate_);
}

std::chrono::nanoseconds Sensor::interval(const SensorValues &values) const
{
	return duration(uint64_t{values.lineLength} * values.frameLength);
}

std::chrono::nanoseconds Sensor::exposureTime(const SensorValues &values) const
{
	return duration(uint64_t{values.lineLength} * values.exposure);
}

std::chrono::nanoseconds Sensor::shortestInterval() const
{
	return std::chrono::nanoseconds(1000000000 / kFastest);
}

double Sensor::light(const SensorValues &values) const
{
	const double neutral = static_cast<double>(defaultExposure()) * kGainUnit;

	return static_cast<double>(values.exposure) * values.gain / neutral;
}

} /* namespace cmacam::board */
