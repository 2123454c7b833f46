/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * GStreamer's names of the pixel formats in libcmacam's table, and the layouts of
 * frames in these formats.
 */
#pragma once

#include <vector>

#include <gst/video/video.h>
#include <libcamera/geometry.h>

#include <cmacam/format.h>
#include <cmacam/frame_layout.h>
#include <cmacam/libcamera.h>

namespace cmacam::gst {

/* The rows of one plane, for code that reads the plane row by row. */
struct PlaneRows
{
	size_t offset;	     /* bytes from the start of the frame to the first row */
	unsigned int stride; /* bytes from the start of one row to the start of the next */
	unsigned int bytes;  /* bytes of a row without padding */
	unsigned int rows;   /* number of rows */
};

/* Value of the caps field "format" in caps whose field "drm-format" names the format. */
inline constexpr const char *kDmaDrm = "DMA_DRM";

/*
 * Returns GStreamer's video format. For a Bayer format, the result is
 * GST_VIDEO_FORMAT_ENCODED, because GStreamer has caps but no GstVideoFormat for
 * Bayer formats.
 */
GstVideoFormat videoFormat(const FormatInfo &format);
/* Returns the media type of the caps: "video/x-raw" or "video/x-bayer". */
const char *mediaType(const FormatInfo &format);
using cmacam::findFormat;
/* Returns the format of the caps @structure; nullptr if the table does not have it. */
const FormatInfo *findFormat(const GstStructure *structure);
/*
 * Whether DMA_DRM caps exist for the format. GStreamer has no DMA_DRM caps for Bayer
 * formats. Therefore dma-bufs with Bayer frames are delivered with plain caps.
 */
bool hasDmaDrm(const FormatInfo &format);

/* Returns the layout that GStreamer assumes for a frame without a GstVideoMeta. */
std::vector<PlaneRows> defaultRows(const FormatInfo &format, const libcamera::Size &size);
/* Returns the rows of a frame in the camera's layout. */
std::vector<PlaneRows> cameraRows(const FrameLayout &layout);
/* Returns the number of bytes of a frame in the layout of defaultRows(). */
size_t defaultSize(const FormatInfo &format, const libcamera::Size &size);

} /* namespace cmacam::gst */
