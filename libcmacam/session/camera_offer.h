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

/* One format the camera offers, and the stream role that offers it. */
struct FormatOffer
{
	libcamera::PixelFormat format;
	libcamera::SizeRange sizes;
	libcamera::StreamRole role;
	/* Unset where the camera does not say. */
	std::optional<libcamera::ColorSpace> colorSpace;
};

struct CameraOffer
{
	std::vector<FormatOffer> formats;
	libcamera::PixelFormat defaultFormat;
	libcamera::Size defaultSize;
	/* Shortest and longest frame; zero where the camera does not say. */
	std::chrono::microseconds minDuration{};
	std::chrono::microseconds maxDuration{};

	/** The role that offers @format. */
	libcamera::StreamRole roleOf(const libcamera::PixelFormat &format) const;
};

/* The user's choice for a stream. The camera chooses what is empty or 0. */
struct StreamSettings
{
	libcamera::PixelFormat format;
	libcamera::Size size;
	/* The stream role that offers the format: see CameraOffer::roleOf(). */
	libcamera::StreamRole role = libcamera::StreamRole::Viewfinder;
	/* Zero leaves the frame rate to the camera. */
	std::chrono::microseconds frameDuration{};
	/* Exactly this number of buffers. */
	unsigned int buffers = 0;
	/* Buffers in addition to the camera's choice, if the camera agrees. */
	unsigned int extraBuffers = 0;

	/** Write all choices that are not left to the camera. */
	void applyTo(libcamera::StreamConfiguration &config) const;
	/** Whether @config, after its validation, has all choices. */
	bool isMetBy(const libcamera::StreamConfiguration &config) const;
};

/** A configuration in words: size, format and number of buffers. */
std::string describe(const libcamera::StreamConfiguration &config);

/** What @camera can deliver on stream @which. The camera need not be acquired. */
CameraOffer readOffer(libcamera::Camera &camera, Stream which = Stream::Main);

} /* namespace cmacam */
