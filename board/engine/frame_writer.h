/* SPDX-License-Identifier: MIT */
/*
 * FrameWriter writes the pixels or the statistics of a frame to guest memory. Then it
 * writes the mark over the pixels and calculates the digest of the frame in memory.
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
	Light light = {1, 1, 1}; /* light on the live picture */
	FrameLayout layout;
};

struct FrameTraits
{
	uint64_t nonce = 0; /* nonce of the mark; 0 if there is no mark */
	std::string sha256; /* hash of all bytes of the frame, in hex; empty without a digest */
};

/* Writes frames to memory. Only the engine's thread uses this class. */
class FrameWriter
{
public:
	FrameWriter(Source &source, Size array)
		: source_(source), array_(array), random_(std::random_device{}())
	{
	}

	/* Writes a frame to `memory`. If `memory` is too small, writes only the bytes that fit. */
	FrameTraits write(const FrameDescription &frame, const Settings &settings,
			  std::span<std::byte> memory);
	/* Notifies the source that a frame does not need the picture with the number `picture`. */
	void skip(uint64_t picture) { source_.skip(picture); }

private:
	/* The picture for an output of a certain size, and the output's view and processing. */
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
