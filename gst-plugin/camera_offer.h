/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a camera offers on each of its streams, and what is chosen of that.
 */
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include <libcamera/camera.h>
#include <libcamera/color_space.h>
#include <libcamera/geometry.h>
#include <libcamera/pixel_format.h>
#include <libcamera/stream.h>

namespace cmacam::gst {

/* The streams of a camera: the same frames, each in a size and a format of its own. */
enum class StreamName {
	Main,
	Lores,
};

inline constexpr std::array kStreamNames = {StreamName::Main, StreamName::Lores};

constexpr StreamName other(StreamName which)
{
	return which == StreamName::Main ? StreamName::Lores : StreamName::Main;
}

/* One T for each stream. */
template <typename T>
class PerStream : public std::array<T, kStreamNames.size()>
{
public:
	T &operator[](StreamName which) { return this->at(static_cast<size_t>(which)); }
	const T &operator[](StreamName which) const { return this->at(static_cast<size_t>(which)); }
};

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

struct StreamSettings
{
	libcamera::PixelFormat format;
	libcamera::Size size;
	/* Zero leaves the frame rate to the camera. */
	std::chrono::microseconds frameDuration{};
};

/** What @camera can deliver on stream @which, whoever has acquired it. */
CameraOffer readOffer(libcamera::Camera &camera, StreamName which = StreamName::Main);
/** Whether @camera is one of ours. */
bool isCmacam(const libcamera::Camera &camera);

} /* namespace cmacam::gst */
