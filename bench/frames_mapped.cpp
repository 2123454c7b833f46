/* SPDX-License-Identifier: MIT */
/*
 * libcamera frames through MappedFrame: begins and ends CPU access to each,
 * and reads every pixel or none meanwhile. Runs until it is killed.
 */

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "camera_loop.h"
#include "frames.h"

namespace {

int parseAndRun(int argc, char **argv)
{
	CameraOptions camera{.format = "NV12", .width = 640, .height = 480};
	bool touch = false;
	std::string markerPath;
	CLI::App app{"Open each frame of a camera with MappedFrame, until killed"};
	app.add_option("--width", camera.width, "pixels");
	app.add_option("--height", camera.height, "lines");
	app.add_flag("--touch", touch, "read every pixel (default: none)");
	app.add_option("--marker", markerPath, "trace_marker that is told of each frame");
	CLI11_PARSE(app, argc, argv);

	const bench::Marker marker(markerPath);
	auto loop = CameraLoop::open(camera);
	if (!loop) {
		fprintf(stderr, "frames_mapped: %s\n", loop.error().what.c_str());
		return EXIT_FAILURE;
	}
	/* Kept where the compiler cannot see that nobody wants it. */
	volatile uint64_t sum = 0;
	auto result = (*loop)->run([&](const CameraFrame &frame) -> cmacam::Result<bool> {
		marker.frame();
		auto access = frame.pixels.begin();
		if (!access)
			return access.error();
		for (const cmacam::MappedPlane &plane : access->planes()) {
			if (touch)
				sum = sum + bench::sumOf(plane.data);
		}
		if (auto ended = access->end(); !ended)
			return ended.error();
		return true;
	});
	if (!result)
		fprintf(stderr, "frames_mapped: %s\n", result.error().what.c_str());
	return EXIT_FAILURE;
}

} /* namespace */

int main(int argc, char **argv)
{
	try {
		return parseAndRun(argc, argv);
	} catch (const std::exception &error) {
		fprintf(stderr, "frames_mapped: %s\n", error.what());
		return EXIT_FAILURE;
	}
}
