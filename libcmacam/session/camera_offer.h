/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The formats and sizes that a camera offers on each stream, and the settings that
 * a user chooses.
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

/* A format that the camera offers, with its sizes and the stream role that offers the format. */
struct FormatOffer
{
	libcamera::PixelFormat format;
	libcamera::SizeRange sizes;
	libcamera::StreamRole role;
	/* Colour space of the format; unset if the camera does not report it. */
	std::optional<libcamera::ColorSpace> colorSpace;
};

struct StreamSettings;

struct CameraOffer
{
	std::vector<FormatOffer> formats;
	libcamera::PixelFormat defaultFormat;
	libcamera::Size defaultSize;
	/* Shortest and longest frame duration; zero if the camera reports no frame durations. */
	std::chrono::microseconds minDuration{};
	std::chrono::microseconds maxDuration{};

	/**
	 * Find the stream role that offers @format. The result is Viewfinder if no role
	 * offers @format.
	 */
	libcamera::StreamRole roleOf(const libcamera::PixelFormat &format) const;
	/**
	 * Complete the settings of a stream for stills: the largest size of the format, unless
	 * @wanted has a size, and two buffers. So a program can take a still while it uses the
	 * previous one.
	 */
	StreamSettings forStills(const StreamSettings &wanted) const;
};

/*
 * The settings that a user chooses for a stream. The camera chooses each setting
 * that is empty or 0.
 */
struct StreamSettings
{
	libcamera::PixelFormat format;
	libcamera::Size size;
	/* The stream role that offers the format: see CameraOffer::roleOf(). */
	libcamera::StreamRole role = libcamera::StreamRole::Viewfinder;
	/* Duration of each frame. If the duration is zero, the camera chooses the frame rate. */
	std::chrono::microseconds frameDuration{};
	/* Number of buffers. The camera must agree to exactly this number. */
	unsigned int buffers = 0;
	/* Number of buffers to request in addition to the camera's choice or to @buffers. */
	unsigned int extraBuffers = 0;

	/** Write each setting that the user has chosen into @config. */
	void applyTo(libcamera::StreamConfiguration &config) const;
	/**
	 * Whether @config, after its validation, still has all settings that the user has
	 * chosen.
	 */
	bool isMetBy(const libcamera::StreamConfiguration &config) const;
};

/** Describe the size, the format and the number of buffers of a configuration. */
std::string describe(const libcamera::StreamConfiguration &config);

/**
 * Read the formats, sizes and frame durations that @camera offers on stream @which.
 * The camera need not be acquired.
 */
CameraOffer readOffer(libcamera::Camera &camera, Stream which = Stream::Main);

} /* namespace cmacam */
