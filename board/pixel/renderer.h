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

/* One per thread: it keeps tables and lines between frames. */
class Renderer
{
public:
	/*
	 * Stretches what `view` shows of `picture` to the layout's size,
	 * processes it and writes the frame to `memory`, cut where that ends.
	 * Bytes between a line's end and the stride stay as they are.
	 */
	void render(const Picture &picture, const View &view, const Processing &processing,
		    const FrameLayout &layout, std::span<std::byte> memory);

private:
	/* Calls make(T *line), straight into memory unless the line is cut. */
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
