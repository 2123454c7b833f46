/* SPDX-License-Identifier: MIT */
/*
 * Fills the memory of one frame: pixels, then the mark, then the digest of it.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>

#include "engine/sensor.h"
#include "engine/settings.h"
#include "pixel/format.h"
#include "pixel/picture.h"
#include "pixel/renderer.h"
#include "source/source.h"

namespace cmacam {

struct FrameDescription
{
	uint32_t sequence = 0;
	SensorValues values;
	uint32_t brightness = 256; /* 1/256 */
	FrameLayout layout;
};

struct FrameTraits
{
	uint64_t nonce = 0; /* 0 without a mark */
	std::string sha256; /* of all the memory, in hex; empty unless asked for */
};

/* One thread, the engine's, uses it. */
class FrameWriter
{
public:
	explicit FrameWriter(Source &source) : source_(source), random_(std::random_device{}()) {}

	FrameTraits write(const FrameDescription &frame, const Settings &settings,
			  std::span<std::byte> memory);
	void skip(uint32_t sequence) { source_.skip(sequence); }

private:
	PicturePtr pictureFor(const FrameDescription &frame);
	uint64_t mark(const FrameDescription &frame, std::span<std::byte> memory);

	Source &source_;
	Renderer renderer_;
	std::mt19937_64 random_;
	uint32_t testPattern_ = 0;
	PicturePtr testPicture_; /* of testPattern_ */
};

} /* namespace cmacam */
