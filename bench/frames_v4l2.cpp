/* SPDX-License-Identifier: MIT */
/*
 * The least that a consumer of frames can do: poll, DQBUF and QBUF, with
 * buffers of the queue's own. Runs until it is killed.
 */

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "capture.h"
#include "frames.h"

namespace {

using namespace bench;

struct Options
{
	std::string device = "/dev/video0";
	uint32_t width = 640;
	uint32_t height = 480;
	uint32_t buffers = 4;
	std::string marker;
};

[[noreturn]] void stream(const Options &options)
{
	const Marker marker(options.marker);
	Capture capture(options.device, options.width, options.height);
	capture.allocate(Source::Queue, options.buffers, {});
	for (uint32_t i = 0; i < capture.count(); i++)
		capture.queue(i);
	capture.start();
	for (;;) {
		const v4l2_buffer buffer = capture.dequeue();
		marker.frame();
		capture.queue(buffer.index);
	}
}

int parseAndRun(int argc, char **argv)
{
	Options options;
	CLI::App app{"Capture NV12 frames and do nothing with them, until killed"};
	app.add_option("--device", options.device, "video node");
	app.add_option("--width", options.width, "pixels");
	app.add_option("--height", options.height, "lines");
	app.add_option("--buffers", options.buffers, "buffers");
	app.add_option("--marker", options.marker, "trace_marker that is told of each frame");
	CLI11_PARSE(app, argc, argv);

	stream(options);
}

} /* namespace */

int main(int argc, char **argv)
{
	return bench::mainOf("frames_v4l2", parseAndRun, argc, argv);
}
