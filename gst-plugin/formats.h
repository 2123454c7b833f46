/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table that ties libcamera's pixel formats to GStreamer's, and the layout
 * of frames that follows from it.
 */
#pragma once

#include <span>
#include <vector>

#include <gst/video/video.h>
#include <libcamera/geometry.h>
#include <libcamera/pixel_format.h>

#include "stream_buffers.h"

namespace cmacam::gst {

/* How a plane relates to the frame's size. */
struct PlaneShape
{
	/* Bytes of one sample, all components of the plane together. */
	unsigned int sampleBytes;
	/* Pixels one sample covers. */
	unsigned int horizontal;
	unsigned int vertical;
};

struct Format
{
	libcamera::PixelFormat pixelFormat;
	/* ENCODED where GStreamer describes the format by caps alone (Bayer). */
	GstVideoFormat videoFormat;
	const char *mediaType;
	const char *name;
	std::span<const PlaneShape> planes;
};

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

std::span<const Format> formatTable();
const Format *findFormat(const libcamera::PixelFormat &pixelFormat);
const Format *findFormat(const GstStructure *structure);
/* Bayer has no caps for dma-bufs: it flows under the plain ones. */
bool hasDmaDrm(const Format &format);

/* Bytes from row to row of plane @index where those of the first plane have @stride. */
unsigned int planeStride(const Format &format, size_t index, unsigned int stride);
/* The layout GStreamer assumes of a frame that has no GstVideoMeta. */
std::vector<PlaneRows> defaultRows(const Format &format, const libcamera::Size &size);
/* The camera's layout of the same rows. */
std::vector<PlaneRows> cameraRows(const Format &format, const libcamera::Size &size,
				  std::span<const PlaneLayout> planes);
/* Bytes of a frame in the default layout. */
size_t defaultSize(const Format &format, const libcamera::Size &size);

} /* namespace cmacam::gst */
