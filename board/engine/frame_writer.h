/* SPDX-License-Identifier: MIT */
/*
 * Fills the memory of one frame: pixels or statistics, then the mark, then the
 * digest of it.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>

#include <cmacam-regs.h>

#include "engine/sensor.h"
#include "engine/settings.h"
#include "pixel/format.h"
#include "pixel/picture.h"
#include "pixel/renderer.h"
#include "source/source.h"

namespace cmacam::board {

struct FrameDescription
{
	uint32_t channel = 0;
	uint32_t sequence = 0;
	uint64_t picture = 0; /* of the source */
	SensorValues values;
	Light light = {1, 1, 1}; /* of the live picture */
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
	FrameWriter(Source &source, Size array)
		: source_(source), array_(array), random_(std::random_device{}())
	{
	}

	FrameTraits write(const FrameDescription &frame, const Settings &settings,
			  std::span<std::byte> memory);
	/* Nobody wants that picture. */
	void skip(uint64_t picture) { source_.skip(picture); }

private:
	/* What a frame is made of, for an output of a certain size. */
	struct Subject
	{
		PicturePtr picture;
		View view;
		Processing processing;
	};

	void writePixels(const FrameDescription &frame, std::span<std::byte> memory);
	void writeStatistics(const FrameDescription &frame, std::span<std::byte> memory);
	Subject subjectOf(const FrameDescription &frame, Size size);
	PicturePtr testPicture(const FrameDescription &frame, Size size);
	uint64_t mark(const FrameDescription &frame, std::span<std::byte> memory);

	Source &source_;
	const Size array_;
	/* By channel, so that each keeps the tables for its size. */
	std::array<Renderer, CMACAM_CH_COUNT> renderers_;
	std::mt19937_64 random_;

	struct TestPicture
	{
		uint32_t pattern = 0;
		PicturePtr picture;
	};
	std::array<TestPicture, CMACAM_CH_COUNT> testPictures_;
};

} /* namespace cmacam::board */
