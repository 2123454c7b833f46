/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The formats and sizes that a camera offers on each stream, and the choice of one.
 */
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <libcamera/camera.h>
#include <libcamera/color_space.h>
#include <libcamera/geometry.h>
#include <libcamera/pixel_format.h>
#include <libcamera/stream.h>

#include "streams.h"

namespace cmacam {

/* One format that the camera offers, and the stream role that offers the format. */
struct FormatOffer
{
	libcamera::PixelFormat format;
	libcamera::SizeRange sizes;
	libcamera::StreamRole role;
	/* Unset if the camera does not report a colour space for the format. */
	std::optional<libcamera::ColorSpace> colorSpace;
};

struct CameraOffer
{
	std::vector<FormatOffer> formats;
	libcamera::PixelFormat defaultFormat;
	libcamera::Size defaultSize;
	/* Shortest and longest frame duration; zero if the camera does not report them. */
	std::chrono::microseconds minDuration{};
	std::chrono::microseconds maxDuration{};

	/** Find the role that offers @format; Viewfinder if no role does. */
	libcamera::StreamRole roleOf(const libcamera::PixelFormat &format) const;
};

/* The user's choices for a stream. The camera makes each choice that is empty or 0. */
struct StreamSettings
{
	libcamera::PixelFormat format;
	libcamera::Size size;
	/* The stream role that offers the format: see CameraOffer::roleOf(). */
	libcamera::StreamRole role = libcamera::StreamRole::Viewfinder;
	/* Zero leaves the frame rate to the camera. */
	std::chrono::microseconds frameDuration{};
	/* Number of buffers. The camera must agree to exactly this number. */
	unsigned int buffers = 0;
	/* Buffers in addition to the camera's choice, if the camera agrees. */
	unsigned int extraBuffers = 0;

	/** Write into @config all choices that are not left to the camera. */
	void applyTo(libcamera::StreamConfiguration &config) const;
	/** Whether @config still has all choices of the user after its validation. */
	bool isMetBy(const libcamera::StreamConfiguration &config) const;
};

/** A configuration in words: size, format and number of buffers. */
std::string describe(const libcamera::StreamConfiguration &config);

/** Read what @camera can deliver on stream @which. The camera need not be acquired. */
CameraOffer readOffer(libcamera::Camera &camera, Stream which = Stream::Main);

} /* namespace cmacam */
