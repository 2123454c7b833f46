/* SPDX-License-Identifier: MIT */
/*
 * Writes a picture as one frame of an output format into memory.
 */
#include "pixel/renderer.h"

#include <algorithm>
#include <utility>

#include <cmacam-regs.h>

namespace cmacam {

template <typename T, typename Make>
void Renderer::putLine(std::span<std::byte> memory, uint64_t offset, std::size_t bytes, Make make)
{
	if (offset >= memory.size())
		return;

	const std::size_t room = memory.size() - offset;
	if (bytes <= room) {
		make(reinterpret_cast<T *>(memory.data() + offset));
		return;
	}

	cutLine_.resize(bytes);
	make(reinterpret_cast<T *>(cutLine_.data()));
	std::copy_n(cutLine_.begin(), room, memory.begin() + static_cast<std::ptrdiff_t>(offset));
}

void Renderer::render(PicturePtr picture, const FrameLayout &layout, uint32_t brightness,
		      std::span<std::byte> memory)
{
	const std::size_t width = layout.width;
	const std::size_t bytes = lineBytes(layout);

	scaler_.start(std::move(picture), {layout.width, layout.height}, brightness);

	for (uint32_t y = 0; y < layout.height; y += 2) {
		const RgbLine lines[] = {scaler_.line(y), scaler_.line(y + 1)};

		for (uint32_t i = 0; i < 2; i++) {
			const uint64_t offset = uint64_t{layout.stride} * (y + i);
			if (layout.format == CMACAM_FMT_SRGGB10) {
				putLine<uint16_t>(memory, offset, bytes, [&](uint16_t *raw) {
					convertToMosaic(lines[i], i, raw, width);
				});
			} else {
				putLine<uint8_t>(memory, offset, bytes, [&](uint8_t *luma) {
					convertToLuma(lines[i], luma, width);
				});
			}
		}

		if (layout.format == CMACAM_FMT_NV12) {
			const uint64_t offset = uint64_t{layout.stride} * (layout.height + y / 2);
			putLine<uint8_t>(memory, offset, bytes, [&](uint8_t *chroma) {
				convertToChroma(lines[0], lines[1], chroma, width);
			});
		}
	}
}

} /* namespace cmacam */
