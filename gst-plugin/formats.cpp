/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table that ties libcamera's pixel formats to GStreamer's, and the layout
 * of frames that follows from it.
 */
#include "formats.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <libcamera/formats.h>

namespace cmacam::gst {

namespace {

constexpr const char *kRaw = "video/x-raw";
constexpr const char *kBayer = "video/x-bayer";

constexpr std::array kOneByte = {PlaneShape{1, 1, 1}};
constexpr std::array kTwoBytes = {PlaneShape{2, 1, 1}};
constexpr std::array kThreeBytes = {PlaneShape{3, 1, 1}};
constexpr std::array kFourBytes = {PlaneShape{4, 1, 1}};
constexpr std::array kPacked422 = {PlaneShape{4, 2, 1}};
constexpr std::array kSemiPlanar420 = {PlaneShape{1, 1, 1}, PlaneShape{2, 2, 2}};
constexpr std::array kPlanar420 = {PlaneShape{1, 1, 1}, PlaneShape{1, 2, 2}, PlaneShape{1, 2, 2}};

/* DRM and libcamera name RGB by its register, GStreamer by its bytes. */
constexpr std::array kFormats = {
	Format{libcamera::formats::NV12, GST_VIDEO_FORMAT_NV12, kRaw, "NV12", kSemiPlanar420},
	Format{libcamera::formats::YUYV, GST_VIDEO_FORMAT_YUY2, kRaw, "YUY2", kPacked422},
	Format{libcamera::formats::YUV420, GST_VIDEO_FORMAT_I420, kRaw, "I420", kPlanar420},
	Format{libcamera::formats::RGB888, GST_VIDEO_FORMAT_BGR, kRaw, "BGR", kThreeBytes},
	Format{libcamera::formats::BGR888, GST_VIDEO_FORMAT_RGB, kRaw, "RGB", kThreeBytes},
	Format{libcamera::formats::XRGB8888, GST_VIDEO_FORMAT_BGRx, kRaw, "BGRx", kFourBytes},
	Format{libcamera::formats::XBGR8888, GST_VIDEO_FORMAT_RGBx, kRaw, "RGBx", kFourBytes},
	Format{libcamera::formats::R8, GST_VIDEO_FORMAT_GRAY8, kRaw, "GRAY8", kOneByte},
	Format{libcamera::formats::R10, GST_VIDEO_FORMAT_GRAY10_LE16, kRaw, "GRAY10_LE16",
	       kTwoBytes},
	Format{libcamera::formats::SRGGB8, GST_VIDEO_FORMAT_ENCODED, kBayer, "rggb", kOneByte},
	Format{libcamera::formats::SRGGB10, GST_VIDEO_FORMAT_ENCODED, kBayer, "rggb10le",
	       kTwoBytes},
};

template <typename Pred>
const Format *find(Pred pred)
{
	const auto it = std::find_if(kFormats.begin(), kFormats.end(), pred);
	return it != kFormats.end() ? &*it : nullptr;
}

/* The name of a fourcc may be written with a modifier of zero, too. */
const Format *findDmaDrm(const GstStructure *structure)
{
	const gchar *name = gst_structure_get_string(structure, "drm-format");
	guint64 modifier;

	if (!name)
		return nullptr;

	const guint32 fourcc = gst_video_dma_drm_fourcc_from_string(name, &modifier);
	return find([&](const Format &f) {
		return hasDmaDrm(f) && f.pixelFormat.fourcc() == fourcc && modifier == 0;
	});
}

unsigned int rowBytes(const PlaneShape &shape, const libcamera::Size &size)
{
	return (size.width + shape.horizontal - 1) / shape.horizontal * shape.sampleBytes;
}

unsigned int rowCount(const PlaneShape &shape, const libcamera::Size &size)
{
	return (size.height + shape.vertical - 1) / shape.vertical;
}

} /* namespace */

bool hasDmaDrm(const Format &format)
{
	return format.videoFormat != GST_VIDEO_FORMAT_ENCODED;
}

std::span<const Format> formatTable()
{
	return kFormats;
}

const Format *findFormat(const libcamera::PixelFormat &pixelFormat)
{
	return find([&](const Format &f) { return f.pixelFormat == pixelFormat; });
}

const Format *findFormat(const GstStructure *structure)
{
	const gchar *name = gst_structure_get_string(structure, "format");
	if (!name)
		return nullptr;
	if (std::string_view(name) == kDmaDrm)
		return findDmaDrm(structure);

	return find([&](const Format &f) {
		return gst_structure_has_name(structure, f.mediaType) &&
		       std::string_view(f.name) == name;
	});
}

unsigned int planeStride(const Format &format, size_t index, unsigned int stride)
{
	const PlaneShape &first = format.planes[0], &plane = format.planes[index];

	return stride * plane.sampleBytes * first.horizontal /
	       (plane.horizontal * first.sampleBytes);
}

std::vector<PlaneRows> defaultRows(const Format &format, const libcamera::Size &size)
{
	std::vector<PlaneRows> rows;
	GstVideoInfo info;

	gst_video_info_init(&info);
	const bool described =
		format.videoFormat != GST_VIDEO_FORMAT_ENCODED &&
		gst_video_info_set_format(&info, format.videoFormat, size.width, size.height);

	for (size_t i = 0; i < format.planes.size(); i++) {
		const unsigned int bytes = rowBytes(format.planes[i], size);
		const size_t offset = described ? info.offset[i] : 0;
		const unsigned int stride = described ? info.stride[i] : GST_ROUND_UP_4(bytes);

		rows.push_back({offset, stride, bytes, rowCount(format.planes[i], size)});
	}

	return rows;
}

std::vector<PlaneRows> cameraRows(const Format &format, const libcamera::Size &size,
				  std::span<const PlaneLayout> planes)
{
	std::vector<PlaneRows> rows;

	for (size_t i = 0; i < std::min(planes.size(), format.planes.size()); i++)
		rows.push_back({planes[i].offset - planes[0].offset, planes[i].stride,
				rowBytes(format.planes[i], size),
				rowCount(format.planes[i], size)});

	return rows;
}

size_t defaultSize(const Format &format, const libcamera::Size &size)
{
	if (format.videoFormat != GST_VIDEO_FORMAT_ENCODED) {
		GstVideoInfo info;
		gst_video_info_set_format(&info, format.videoFormat, size.width, size.height);
		return GST_VIDEO_INFO_SIZE(&info);
	}

	const std::vector<PlaneRows> rows = defaultRows(format, size);
	return rows.back().offset + static_cast<size_t>(rows.back().stride) * rows.back().rows;
}

} /* namespace cmacam::gst */
