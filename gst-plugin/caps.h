/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table that ties libcamera's pixel formats to GStreamer's, and the caps
 * that follow from it and from what a camera offers.
 */
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gst/video/video.h>

#include "camera_offer.h"
#include "gst_ptr.h"
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

std::span<const Format> formatTable();
const Format *findFormat(const libcamera::PixelFormat &pixelFormat);
const Format *findFormat(const GstStructure *structure);

/* All the element can ever produce. */
CapsPtr templateCaps();
/* All that this camera can produce: plain caps, its default first, then DMA_DRM. */
CapsPtr offerCaps(const CameraOffer &offer);
/* The same in words, for an error message. */
std::string describeOffer(const CameraOffer &offer);
/* Fixes what the consumer left open: the camera's default size, 30 frames/s. */
CapsPtr fixateCaps(CapsPtr caps, const CameraOffer &offer);
/* Of fixed caps; empty if they are not ours. */
std::optional<StreamSettings> settingsFromCaps(const GstCaps *caps);
/* Whether fixed caps are of memory:DMABuf, whose peer goes by GstVideoMeta. */
bool wantsDmabufs(const GstCaps *caps);

/* The layout GStreamer assumes of a frame that has no GstVideoMeta. */
std::vector<PlaneRows> defaultRows(const Format &format, const libcamera::Size &size);
/* The camera's layout of the same rows. */
std::vector<PlaneRows> cameraRows(const Format &format, const libcamera::Size &size,
				  std::span<const PlaneLayout> planes);
/* Bytes of a frame in the default layout. */
size_t defaultSize(const Format &format, const libcamera::Size &size);

} /* namespace cmacam::gst */
