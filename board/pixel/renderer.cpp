/* SPDX-License-Identifier: MIT */
/*
 * Writes a picture as one frame of an output format into memory.
 */
#include "pixel/renderer.h"

#include <algorithm>

#include <cmacam-regs.h>

namespace cmacam::board {

template <typename T, typename Make>
void Renderer::putBytes(std::span<std::byte> memory, uint64_t offset, std::size_t bytes, Make make)
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

void Renderer::putLine(const RgbLine &line, const FrameLayout &layout, uint32_t y,
		       std::span<std::byte> memory)
{
	const std::size_t width = layout.width;
	const uint64_t offset = uint64_t{layout.stride} * y;
	const std::size_t bytes = lineBytes(layout);
	const auto put8 = [&](auto make) { putBytes<uint8_t>(memory, offset, bytes, make); };
	const auto put16 = [&](auto make) { putBytes<uint16_t>(memory, offset, bytes, make); };

	switch (layout.format) {
	case CMACAM_FMT_GREY:
	case CMACAM_FMT_NV12:
	case CMACAM_FMT_YUV420:
		return put8([&](uint8_t *out) { convertToLuma(line, out, width); });
	case CMACAM_FMT_Y10:
		return put16([&](uint16_t *out) { convertToLuma10(line, out, width); });
	case CMACAM_FMT_YUYV:
		return put8([&](uint8_t *out) { convertToYuyv(line, out, width); });
	case CMACAM_FMT_BGR24:
		return put8([&](uint8_t *out) { convertToBgr(line, out, width); });
	case CMACAM_FMT_RGB24:
		return put8([&](uint8_t *out) { convertToRgb(line, out, width); });
	case CMACAM_FMT_XBGR32:
		return put8([&](uint8_t *out) { convertToBgrx(line, out, width); });
	case CMACAM_FMT_RGBX32:
		return put8([&](uint8_t *out) { convertToRgbx(line, out, width); });
	case CMACAM_FMT_SRGGB8:
		return put8([&](uint8_t *out) { convertToMosaic8(line, y % 2, out, width); });
	case CMACAM_FMT_SRGGB10:
		return put16([&](uint16_t *out) { convertToMosaic10(line, y % 2, out, width); });
	default: /* no channel enables with it */
		return;
	}
}

/* The chroma of luma lines y and y + 1. */
void Renderer::putChroma(const RgbLine &upper, const RgbLine &lower, const FrameLayout &layout,
			 uint32_t y, std::span<std::byte> memory)
{
	const uint64_t luma = uint64_t{layout.stride} * layout.height;

	if (layout.format == CMACAM_FMT_NV12)
		return putBytes<uint8_t>(memory, luma + uint64_t{layout.stride} * (y / 2),
					 layout.width, [&](uint8_t *chroma) {
						 convertToChroma(upper, lower, chroma,
								 layout.width);
					 });
	if (layout.format != CMACAM_FMT_YUV420)
		return;

	chromaLine_.resize(layout.width);
	convertToChroma(upper, lower, chromaLine_.data(), layout.width);

	const uint64_t stride = layout.stride / 2;
	for (uint32_t component = 0; component < 2; component++) {
		const uint64_t plane = luma + component * stride * (layout.height / 2);
		putBytes<uint8_t>(memory, plane + stride * (y / 2), layout.width / 2,
				  [&](uint8_t *chroma) {
					  for (uint32_t x = 0; x < layout.width / 2; x++)
						  chroma[x] = chromaLine_[2 * x + component];
				  });
	}
}

void Renderer::render(const Picture &picture, const View &view, const Processing &processing,
		      const FrameLayout &layout, std::span<std::byte> memory)
{
	scaler_.start(picture, view, {layout.width, layout.height});
	processor_.start(processing, layout.width);

	for (uint32_t y = 0; y < layout.height; y += 2) {
		const RgbLine upper = processor_.process(scaler_.line(y));
		const RgbLine lower = processor_.process(scaler_.line(y + 1));

		putLine(upper, layout, y, memory);
		putLine(lower, layout, y + 1, memory);
		putChroma(upper, lower, layout, y, memory);
	}
}

} /* namespace cmacam::board */
