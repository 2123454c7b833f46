/* SPDX-License-Identifier: MIT */
/*
 * Writes a picture as one frame of an output format into memory.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pixel/format.h"
#include "pixel/picture.h"
#include "pixel/processing.h"
#include "pixel/scaler.h"

namespace cmacam::board {

/* Writes frames. This class is not thread-safe: it keeps tables and lines between frames. */
class Renderer
{
public:
	/*
	 * Takes the part of `picture` that `view` selects, scales it to the size in `layout`,
	 * processes the pixels and writes the frame to `memory`. If `memory` is too small,
	 * only the bytes that fit are written. The padding bytes of each line stay unchanged.
	 */
	void render(const Picture &picture, const View &view, const Processing &processing,
		    const FrameLayout &layout, std::span<std::byte> memory);

private:
	/*
	 * Calls make(T *line) to write a line to memory. If the line does not fit, make()
	 * writes to cutLine_, and the bytes that fit are copied to memory.
	 */
	template <typename T, typename Make>
	void putBytes(std::span<std::byte> memory, uint64_t offset, std::size_t bytes, Make make);
	void putLine(const RgbLine &line, const FrameLayout &layout, uint32_t y,
		     std::span<std::byte> memory);
	void putChroma(const RgbLine &upper, const RgbLine &lower, const FrameLayout &layout,
		       uint32_t y, std::span<std::byte> memory);

	Scaler scaler_;
	Processor processor_;
	std::vector<std::byte> cutLine_;
	std::vector<uint8_t> chromaLine_;
};

} /* namespace cmacam::board */
