/* SPDX-License-Identifier: MIT */
/*
 * The least that a consumer of frames can do: poll, DQBUF and QBUF, with
 * buffers of the queue's own. Runs until it is killed.
 */

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "frames.h"
#include "support/v4l2_queue.h"

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
	support::V4l2Queue queue(options.device);
	queue.setExactFormat(V4L2_PIX_FMT_NV12, options.width, options.height);
	queue.requestAll(options.buffers);
	for (uint32_t i = 0; i < queue.count(); i++)
		queue.queue(i);
	queue.start();
	for (;;) {
		const v4l2_buffer buffer = queue.dequeue();
		marker.frame();
		queue.queue(buffer.index);
	}
}

int parseAndRun(int argc, char **argv)
{
	Options options;
	CLI::App app{"Capture NV12 frames and discard them until this program is killed"};
	app.add_option("--device", options.device, "video node");
	app.add_option("--width", options.width, "width of a frame, pixels");
	app.add_option("--height", options.height, "height of a frame, lines");
	app.add_option("--buffers", options.buffers, "number of buffers");
	app.add_option("--marker", options.marker,
		       "path of the trace_marker that gets a line for each frame");
	CLI11_PARSE(app, argc, argv);

	stream(options);
}

} /* namespace */

int main(int argc, char **argv)
{
	return bench::mainOf("frames_v4l2", parseAndRun, argc, argv);
}
