/* SPDX-License-Identifier: MIT */
/*
 * Shares a camera's frames with other processes, without a copy.
 */

#include <csignal>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include <cmacam/camera.h>
#include <cmacam/sharing.h>

namespace {

volatile std::sig_atomic_t stopped;

int fail(const cmacam::Error &error)
{
	std::fprintf(stderr, "share-server: %s\n", error.what.c_str());
	return 1;
}

} /* namespace */

int main(int argc, char **argv)
{
	cmacam::CameraOptions camera;
	camera.main = {"NV12", 640, 480};
	camera.buffers = 6;
	cmacam::ShareOptions share;
	share.path = "/run/cmacam-frames";
	share.log = [](const std::string &line) {
		std::printf("%s\n", line.c_str());
		std::fflush(stdout);
	};
	unsigned int frames = 0;

	CLI::App app(
		"Shares a camera's frames with other processes, without a copy.\n"
		"A slow, stopped or dead reader misses frames, but does not block other readers.");
	app.add_option("--socket", share.path, "path to which readers connect")
		->capture_default_str();
	app.add_option("--camera", camera.id, "libcamera id; default: the first camera");
	app.add_option("--format", camera.main.format, "libcamera pixel format")
		->capture_default_str();
	app.add_option("--width", camera.main.width, "width of a frame, pixels")
		->capture_default_str();
	app.add_option("--height", camera.main.height, "height of a frame, lines")
		->capture_default_str();
	app.add_option("--buffers", camera.buffers,
		       "number of the camera's buffers; three of these buffers are never lent")
		->capture_default_str();
	app.add_option("--credits", share.credits,
		       "maximum number of frames that a reader may hold")
		->capture_default_str();
	app.add_option("--patience", share.patience,
		       "the server disconnects a reader that holds frames and misses more "
		       "consecutive frames than this number; 0: no limit")
		->capture_default_str();
	app.add_flag("--writable", share.writable,
		     "readers may write to the frames: for buffers that cannot be read-only, or "
		     "for readers that use a GPU");
	app.add_option("--frames", frames, "end after this number of frames; 0: never end")
		->capture_default_str();
	CLI11_PARSE(app, argc, argv);

	std::signal(SIGINT, [](int) { stopped = 1; });
	std::signal(SIGTERM, [](int) { stopped = 1; });

	auto source = cmacam::Camera::open(camera);
	if (!source)
		return fail(source.error());
	share.buffers = source->buffers();
	auto server = cmacam::FrameServer::listen(share);
	if (!server)
		return fail(server.error());
	if (auto started = source->start(); !started)
		return fail(started.error());
	std::printf("sharing %s at %s\n", source->id().c_str(), share.path.c_str());
	std::fflush(stdout);

	for (unsigned int count = 0; !stopped && (!frames || count < frames); count++) {
		auto frame = source->next();
		if (!frame) {
			server->close(frame.error().what);
			return fail(frame.error());
		}
		if (auto lent = server->publish(*frame); !lent)
			return fail(lent.error());
	}

	const auto counts = source->statistics();
	std::printf("delivered %llu, dropped %llu, lost %llu, starved %llu\n",
		    static_cast<unsigned long long>(counts.delivered),
		    static_cast<unsigned long long>(counts.dropped),
		    static_cast<unsigned long long>(counts.lost),
		    static_cast<unsigned long long>(counts.starved));

	return 0;
}
