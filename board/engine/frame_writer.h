/* SPDX-License-Identifier: MIT */
/*
 * Writes one frame to guest memory: pixels or statistics, then the mark over pixels.
 * Then calculates the digest of the memory.
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
	uint64_t picture = 0; /* number of the source's picture */
	SensorValues values;
	Light light = {1, 1, 1}; /* on the live picture */
	FrameLayout layout;
};

struct FrameTraits
{
	uint64_t nonce = 0; /* of the mark; 0 if there is no mark */
	std::string sha256; /* of all bytes of the frame, in hex; empty if not asked for */
};

/* Writes frames to memory. Only the engine's thread uses it. */
class FrameWriter
{
public:
	FrameWriter(Source &source, Size array)
		: source_(source), array_(array), random_(std::random_device{}())
	{
	}

	/* Writes a frame to `memory`; cuts the frame if `memory` is too small. */
	FrameTraits write(const FrameDescription &frame, const Settings &settings,
			  std::span<std::byte> memory);
	/* Notifies the source that a frame does not need the picture with this number. */
	void skip(uint64_t picture) { source_.skip(picture); }

private:
	/* The picture for an output of a certain size, and how the output shows the picture. */
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
	/* One renderer per channel, because a renderer keeps the tables for one frame size. */
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
