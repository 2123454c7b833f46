/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the pixels of a frame lie in dma-bufs.
 */

#include <cmacam/frame_layout.h>

#include <cerrno>
#include <span>
#include <string>

namespace cmacam {

namespace {

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
	const FormatInfo &info = formatInfo(layout.format);
	if (index >= info.planeCount)
		return Error{EINVAL, "the frame has no plane " + std::to_string(index)};

	if (!fits(rect.x, rect.width, layout.width) || !fits(rect.y, rect.height, layout.height))
		return Error{EINVAL, "a rectangle of " + text(rect.width, rect.height) +
					     " at column " + std::to_string(rect.x) + ", line " +
					     std::to_string(rect.y) + " is not within a frame of " +
					     text(layout.width, layout.height)};

	const PlaneFormat &plane = info.planes[index];
	const Range columns = rounded(rect.x, rect.width, plane.horizontal);
	const Range lines = rounded(rect.y, rect.height, plane.vertical);

	return Rect{columns.begin, lines.begin, columns.end - columns.begin,
		    lines.end - lines.begin};
}

Result<FrameLayout> contiguousLayout(int fd, PixelFormat format, unsigned int width,
				     unsigned int height, unsigned int stride)
{
	const FormatInfo &info = formatInfo(format);
	FrameLayout layout{format, width, height, {}};
	std::size_t offset = 0;

	for (std::size_t i = 0; i < info.planeCount; i++) {
		const PlaneFormat &plane = info.planes[i];
		if (width % plane.horizontal || height % plane.vertical)
			return Error{EINVAL, std::string(info.name) + " cannot have the size " +
						     text(width, height)};

		const unsigned int columns = width / plane.horizontal;
		const unsigned int lines = height / plane.vertical;
		const unsigned int planeStride = info.planeStride(i, stride);
		if (!planeStride && stride)
			return Error{EINVAL, std::string(info.name) + " cannot have a stride of " +
						     std::to_string(stride) + " bytes"};
		if (!columns || !lines || planeStride / plane.sampleSize < columns)
			return Error{EINVAL, "a stride of " + std::to_string(stride) +
						     " bytes is too short for a line of " +
						     std::to_string(width) + " pixels"};

		const std::size_t size = static_cast<std::size_t>(planeStride) * lines;
		layout.planes.push_back(
			{fd, offset, size, columns, lines, planeStride, plane.sampleSize});
		offset += size;
	}

	return layout;
}

} /* namespace cmacam */
