/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a camera offers on each of its streams, and what is chosen of that.
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

/* What a user wants of a stream; what is empty or 0 the camera chooses. */
struct StreamSettings
{
	libcamera::PixelFormat format;
	libcamera::Size size;
	/* That offers the format: see CameraOffer::roleOf(). */
	libcamera::StreamRole role = libcamera::StreamRole::Viewfinder;
	/* Zero leaves the frame rate to the camera. */
	std::chrono::microseconds frameDuration{};
	/* This number of buffers and no other. */
	unsigned int buffers = 0;
	/* On top of the number that the camera chooses, as far as it agrees. */
	unsigned int extraBuffers = 0;

	/** Asks for all that is not left to the camera. */
	void applyTo(libcamera::StreamConfiguration &config) const;
	/** Whether @config, which was validated, has all that was asked for. */
	bool isMetBy(const libcamera::StreamConfiguration &config) const;
};

/** A configuration in words: size, format and number of buffers. */
std::string describe(const libcamera::StreamConfiguration &config);

/** What @camera can deliver on stream @which, whoever has acquired it. */
CameraOffer readOffer(libcamera::Camera &camera, Stream which = Stream::Main);

} /* namespace cmacam */
