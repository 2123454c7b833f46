/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of pixel formats of user space. The driver and the board have tables of their own;
 * CONTRIBUTING.md says what a format needs.
 */

#include <cmacam/format.h>

#include <algorithm>

namespace cmacam {

namespace {

/* Of V4L2 and DRM alike; neither's header is needed for the little that is used. */
constexpr std::uint32_t fourcc(const char (&text)[5])
{
	std::uint32_t value = 0;
	for (unsigned int i = 0; i < 4; i++)
		value |= static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])) << 8 * i;
	return value;
}

/* In the order of the enumeration. */
constexpr FormatInfo kFormats[] = {
	/* clang-format off */
	{ PixelFormat::Gray8, "R8", "GRAY8", fourcc("R8  "), fourcc("GREY"), false,
	  1, {{ 1, 1, 1 }} },
	{ PixelFormat::Gray10, "R10", "GRAY10_LE16", fourcc("R10 "), fourcc("Y10 "), false,
	  1, {{ 2, 1, 1 }} },
	{ PixelFormat::Nv12, "NV12", "NV12", fourcc("NV12"), fourcc("NV12"), false,
	  2, {{ 1, 1, 1 }, { 2, 2, 2 }} },
	{ PixelFormat::Yuyv, "YUYV", "YUY2", fourcc("YUYV"), fourcc("YUYV"), false,
	  1, {{ 4, 2, 1 }} },
	{ PixelFormat::Yuv420, "YUV420", "I420", fourcc("YU12"), fourcc("YU12"), false,
	  3, {{ 1, 1, 1 }, { 1, 2, 2 }, { 1, 2, 2 }} },
	{ PixelFormat::Bgr24, "RGB888", "BGR", fourcc("RG24"), fourcc("BGR3"), false,
	  1, {{ 3, 1, 1 }} },
	{ PixelFormat::Rgb24, "BGR888", "RGB", fourcc("BG24"), fourcc("RGB3"), false,
	  1, {{ 3, 1, 1 }} },
	{ PixelFormat::Bgrx32, "XRGB8888", "BGRx", fourcc("XR24"), fourcc("XR24"), false,
	  1, {{ 4, 1, 1 }} },
	{ PixelFormat::Rgbx32, "XBGR8888", "RGBx", fourcc("XB24"), fourcc("XB24"), false,
	  1, {{ 4, 1, 1 }} },
	{ PixelFormat::Srggb8, "SRGGB8", "rggb", fourcc("RGGB"), fourcc("RGGB"), true,
	  1, {{ 1, 1, 1 }} },
	{ PixelFormat::Srggb10, "SRGGB10", "rggb10le", fourcc("RG10"), fourcc("RG10"), true,
	  1, {{ 2, 1, 1 }} },
	/* clang-format on */
};

template <typename Predicate>
const FormatInfo *find(Predicate predicate)
{
	const auto *row = std::ranges::find_if(kFormats, predicate);
	return row == std::end(kFormats) ? nullptr : row;
}

} /* namespace */

unsigned int FormatInfo::planeStride(std::size_t index, unsigned int stride) const
{
	const std::uint64_t samples =
		std::uint64_t{stride} * planes[index].sampleSize * planes[0].horizontal;
	const std::uint64_t pixels = std::uint64_t{planes[index].horizontal} * planes[0].sampleSize;

	return samples % pixels ? 0 : static_cast<unsigned int>(samples / pixels);
}

std::span<const FormatInfo> formats()
{
	return kFormats;
}

const FormatInfo &formatInfo(PixelFormat format)
{
	return kFormats[static_cast<std::size_t>(format)];
}

const FormatInfo *findFormat(std::string_view name)
{
	return find([name](const FormatInfo &row) { return row.name == name; });
}

const FormatInfo *findDrmFormat(std::uint32_t drm)
{
	return find([drm](const FormatInfo &row) { return row.drm == drm; });
}

const FormatInfo *findV4l2Format(std::uint32_t v4l2)
{
	return find([v4l2](const FormatInfo &row) { return row.v4l2 == v4l2; });
}

} /* namespace cmacam */
