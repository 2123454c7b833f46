/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the pixels of a frame lie in dma-bufs.
 */

#include <cmacam/frame.h>

#include <cerrno>
#include <string>

namespace cmacam {

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
