/* SPDX-License-Identifier: MIT */
/*
 * Records the main stream and meanwhile counts people on lores: two pictures of the
 * same frames, each the size that its reader needs. The recorder has every frame; the
 * detector has the newest whenever it is done with the last.
 */

#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>

#include <cmacam/camera.h>

#include "../recorder/direct_file.h"
#include "watcher.h"

namespace {

int fail(const cmacam::Error &error)
{
	std::fprintf(stderr, "people-recorder: %s\n", error.what.c_str());
	return 1;
}

int run(int argc, char **argv)
{
	cmacam::CameraOptions options;
	options.main = {"NV12", 1920, 1080};
	options.lores = {"R8", 768, 576};
	options.policy = cmacam::Policy::Block;
	/* Of these the detector has two at most, and the recorder one. */
	options.buffers = 6;
	options.log = [](const std::string &text) {
		std::fprintf(stderr, "people-recorder: %s\n", text.c_str());
	};
	std::string path;
	unsigned int frames = 30;
	bool overwrite = false;

	CLI::App app("Records the main stream with O_DIRECT and counts people in lores frames at "
		     "the same time.");
	app.add_option("file", path,
		       "output file; each frame is padded to whole blocks of 4096 bytes")
		->required();
	app.add_option("--camera", options.id, "libcamera id; default: the first camera");
	app.add_option("--width", options.main.width, "width of the recorded frames, pixels")
		->capture_default_str();
	app.add_option("--height", options.main.height, "height of the recorded frames, lines")
		->capture_default_str();
	app.add_option("--lores-width", options.lores.width,
		       "width of the frames for the detector, pixels")
		->capture_default_str();
	app.add_option("--lores-height", options.lores.height,
		       "height of the frames for the detector, lines")
		->capture_default_str();
	app.add_option("--frames", frames, "end after this number of frames")
		->capture_default_str();
	app.add_flag("--overwrite", overwrite, "replace an existing file");
	CLI11_PARSE(app, argc, argv);

	auto camera = cmacam::Camera::open(options);
	if (!camera)
		return fail(camera.error());
	auto file = DirectFile::create(path, overwrite);
	if (!file)
		return fail(file.error());
	if (auto started = camera->start(); !started)
		return fail(started.error());

	Watcher watcher;
	for (unsigned int i = 0; i < frames; i++) {
		auto frame = camera->next();
		if (!frame)
			return fail(frame.error());
		frame->hold("recorder");
		watcher.offer(*frame);

		auto pixels = frame->map(cmacam::Stream::Main);
		if (!pixels)
			return fail(pixels.error());
		auto bytes = file->append(*pixels);
		if (!bytes)
			return fail(bytes.error());
		std::printf("frame sequence=%u timestamp=%lld bytes=%zu\n", frame->sequence(),
			    static_cast<long long>(frame->timestamp()), *bytes);
	}

	auto watched = watcher.finish();
	if (!watched)
		return fail(watched.error());
	const auto counts = camera->statistics();
	std::printf("recorded %llu, lost %llu, looked at %u\n",
		    static_cast<unsigned long long>(counts.delivered),
		    static_cast<unsigned long long>(counts.lost), *watched);

	return 0;
}

} /* namespace */

int main(int argc, char **argv)
{
	try {
		return run(argc, argv);
	} catch (const std::exception &exception) {
		/* OpenCV and CLI11 throw; nothing of ours does. */
		std::fprintf(stderr, "people-recorder: %s\n", exception.what());
		return 1;
	}
}
