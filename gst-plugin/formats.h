/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What GStreamer calls the pixel formats of the library's table, and the layout
 * of their frames.
 */
#pragma once

#include <vector>

#include <gst/video/video.h>
#include <libcamera/geometry.h>

#include <cmacam/format.h>
#include <cmacam/frame_layout.h>
#include <cmacam/libcamera.h>

namespace cmacam::gst {

/* What a row-by-row reader needs to know of one plane. */
struct PlaneRows
{
	size_t offset;
	unsigned int stride;
	unsigned int bytes;
	unsigned int rows;
};

/* Of "format" in caps, where "drm-format" has the name. */
inline constexpr const char *kDmaDrm = "DMA_DRM";

/* ENCODED where GStreamer describes the format by caps alone (Bayer). */
GstVideoFormat videoFormat(const FormatInfo &format);
const char *mediaType(const FormatInfo &format);
using cmacam::findFormat;
/* That of the caps @structure, or nullptr. */
const FormatInfo *findFormat(const GstStructure *structure);
/* Bayer has no caps for dma-bufs: it flows under the plain ones. */
bool hasDmaDrm(const FormatInfo &format);

/* The layout GStreamer assumes of a frame that has no GstVideoMeta. */
std::vector<PlaneRows> defaultRows(const FormatInfo &format, const libcamera::Size &size);
/* The camera's layout of the same rows. */
std::vector<PlaneRows> cameraRows(const FrameLayout &layout);
/* Bytes of a frame in the default layout. */
size_t defaultSize(const FormatInfo &format, const libcamera::Size &size);

} /* namespace cmacam::gst */
