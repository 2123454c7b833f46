/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What GStreamer calls the pixel formats of the library's table, and the layout
 * of their frames.
 */
#include "formats.h"

#include <algorithm>
#include <string_view>

namespace cmacam::gst {

namespace {

constexpr const char *kRaw = "video/x-raw";
constexpr const char *kBayer = "video/x-bayer";

/* The name of a fourcc may be written with a modifier of zero, too. */
const FormatInfo *findDmaDrm(const GstStructure *structure)
{
	const gchar *name = gst_structure_get_string(structure, "drm-format");
	guint64 modifier;

	if (!name)
		return nullptr;

	const guint32 fourcc = gst_video_dma_drm_fourcc_from_string(name, &modifier);
	const FormatInfo *format = modifier ? nullptr : findDrmFormat(fourcc);
	return format && hasDmaDrm(*format) ? format : nullptr;
}

unsigned int divideUp(unsigned int pixels, unsigned int perSample)
{
	return (pixels + perSample - 1) / perSample;
}

} /* namespace */

GstVideoFormat videoFormat(const FormatInfo &format)
{
	return format.bayer ? GST_VIDEO_FORMAT_ENCODED
			    : gst_video_format_from_string(format.gstreamer);
}

const char *mediaType(const FormatInfo &format)
{
	return format.bayer ? kBayer : kRaw;
}

bool hasDmaDrm(const FormatInfo &format)
{
	return !format.bayer;
}

const FormatInfo *findFormat(const GstStructure *structure)
{
	const gchar *name = gst_structure_get_string(structure, "format");
	if (!name)
		return nullptr;
	if (std::string_view(name) == kDmaDrm)
		return findDmaDrm(structure);

	const auto all = formats();
	const auto found = std::ranges::find_if(all, [&](const FormatInfo &format) {
		return gst_structure_has_name(structure, mediaType(format)) &&
		       std::string_view(format.gstreamer) == name;
	});
	return found != all.end() ? &*found : nullptr;
}

std::vector<PlaneRows> defaultRows(const FormatInfo &format, const libcamera::Size &size)
{
	std::vector<PlaneRows> rows;
	GstVideoInfo info;

	gst_video_info_init(&info);
	const bool described =
		!format.bayer &&
		gst_video_info_set_format(&info, videoFormat(format), size.width, size.height);

	for (size_t i = 0; i < format.planeCount; i++) {
		const PlaneFormat &plane = format.planes[i];
		const unsigned int bytes =
			divideUp(size.width, plane.horizontal) * plane.sampleSize;
		const size_t offset = described ? info.offset[i] : 0;
		const unsigned int stride = described ? info.stride[i] : GST_ROUND_UP_4(bytes);

		rows.push_back({offset, stride, bytes, divideUp(size.height, plane.vertical)});
	}

	return rows;
}

std::vector<PlaneRows> cameraRows(const FrameLayout &layout)
{
	std::vector<PlaneRows> rows;

	rows.reserve(layout.planes.size());
	for (const PlaneLayout &plane : layout.planes)
		rows.push_back({plane.offset - layout.planes.front().offset, plane.stride,
				plane.width * plane.sampleSize, plane.height});

	return rows;
}

size_t defaultSize(const FormatInfo &format, const libcamera::Size &size)
{
	if (!format.bayer) {
		GstVideoInfo info;
		gst_video_info_set_format(&info, videoFormat(format), size.width, size.height);
		return GST_VIDEO_INFO_SIZE(&info);
	}

	const std::vector<PlaneRows> rows = defaultRows(format, size);
	return rows.back().offset + static_cast<size_t>(rows.back().stride) * rows.back().rows;
}

} /* namespace cmacam::gst */
