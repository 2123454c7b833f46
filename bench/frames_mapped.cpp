/* SPDX-License-Identifier: MIT */
/*
 * The library's camera: takes each frame, begins and ends CPU access to it,
 * and reads every pixel or none meanwhile. Runs until it is killed.
 */

#include <CLI/CLI.hpp>
#include <cmacam/camera.h>
#include <cstdio>
#include <cstdlib>

#include "frames.h"

namespace {

cmacam::Result<void> stream(const cmacam::CameraOptions &options, bool touch,
			    const bench::Marker &marker)
{
	auto camera = cmacam::Camera::open(options);
	if (!camera)
		return camera.error();
	if (auto started = camera->start(); !started)
		return started;

	/* Kept where the compiler cannot see that nobody wants it. */
	volatile uint64_t sum = 0;
	for (;;) {
		auto frame = camera->next();
		if (!frame)
			return frame.error();
		marker.frame();
		auto access = frame->map();
		if (!access)
			return access.error();
		for (const cmacam::MappedPlane &plane : access->planes()) {
			if (touch)
				sum = sum + bench::sumOf(plane.data);
		}
		if (auto ended = access->end(); !ended)
			return ended;
	}
}

int parseAndRun(int argc, char **argv)
{
	/* No frame is left out: all consumers see the same ones. */
	cmacam::CameraOptions camera{.main = {"NV12", 640, 480}, .policy = cmacam::Policy::Block};
	bool touch = false;
	std::string marker;
	CLI::App app{"Map each frame of a camera with MappedFrame until this program is killed"};
	app.add_option("--width", camera.main.width, "width of a frame, pixels");
	app.add_option("--height", camera.main.height, "height of a frame, lines");
	app.add_flag("--touch", touch, "read every pixel of a frame (default: read no pixel)");
	app.add_option("--marker", marker,
		       "path of the trace_marker that gets a line for each frame");
	CLI11_PARSE(app, argc, argv);

	const auto result = stream(camera, touch, bench::Marker(marker));
	fprintf(stderr, "frames_mapped: %s\n", result.error().what.c_str());
	return EXIT_FAILURE;
}

} /* namespace */

int main(int argc, char **argv)
{
	return bench::mainOf("frames_mapped", parseAndRun, argc, argv);
}
