/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the pixels of a frame lie in dma-bufs.
 */

#include <cmacam/frame.h>

#include <cerrno>
#include <string>

namespace cmacam {

namespace {

/* Pixels per sample, in both directions. */
unsigned int subsampling(PixelFormat format, std::size_t plane)
{
	return format == PixelFormat::Nv12 && plane > 0 ? 2 : 1;
}

/* From the first sample of a range of pixels to the end of the last one. */
struct Range
{
	unsigned int begin;
	unsigned int end;
};

Range rounded(unsigned int first, unsigned int count, unsigned int pixels)
{
	return {first / pixels, (first + count - 1) / pixels + 1};
}

bool fits(unsigned int first, unsigned int count, unsigned int limit)
{
	return count && first < limit && count <= limit - first;
}

std::string text(unsigned int width, unsigned int height)
{
	return std::to_string(width) + "x" + std::to_string(height);
}

} /* namespace */

Result<Rect> samplesOf(const FrameLayout &layout, std::size_t index, const Rect &rect)
{
	if (index >= layout.planes.size())
		return Error{EINVAL, "the frame has no plane " + std::to_string(index)};

	const PlaneLayout &frame = layout.planes.front();
	const PlaneLayout &plane = layout.planes[index];

	if (fits(rect.x, rect.width, frame.width) && fits(rect.y, rect.height, frame.height)) {
		const unsigned int pixels = subsampling(layout.format, index);
		const Range columns = rounded(rect.x, rect.width, pixels);
		const Range lines = rounded(rect.y, rect.height, pixels);

		if (columns.end <= plane.width && lines.end <= plane.height)
			return Rect{columns.begin, lines.begin, columns.end - columns.begin,
				    lines.end - lines.begin};
	}

	return Error{EINVAL, "a rectangle of " + text(rect.width, rect.height) + " at column " +
				     std::to_string(rect.x) + ", line " + std::to_string(rect.y) +
				     " is not within a frame of " +
				     text(frame.width, frame.height)};
}

Result<FrameLayout> contiguousLayout(int fd, PixelFormat format, unsigned int width,
				     unsigned int height, unsigned int stride)
{
	const unsigned int sampleSize = format == PixelFormat::Srggb10 ? 2 : 1;

	if (!width || !height || stride / sampleSize < width)
		return Error{EINVAL, "a stride of " + std::to_string(stride) +
					     " bytes does not hold a line of " +
					     std::to_string(width) + " pixels"};

	const std::size_t size = static_cast<std::size_t>(stride) * height;
	FrameLayout layout{format, {{fd, 0, size, width, height, stride, sampleSize}}};

	if (format == PixelFormat::Nv12) {
		if (width % 2 || height % 2)
			return Error{EINVAL, "NV12 has no odd size: " + std::to_string(width) +
						     "x" + std::to_string(height)};

		layout.planes.push_back({fd, size, size / 2, width / 2, height / 2, stride, 2});
	}

	return layout;
}

} /* namespace cmacam */
