/* SPDX-License-Identifier: MIT */
/*
 * Records raw frames, at the speed of the disk.
 */

#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include <cmacam/camera.h>

#include "direct_file.h"

namespace {

int fail(const std::string &what)
{
	std::fprintf(stderr, "recorder: %s\n", what.c_str());
	return 1;
}

} /* namespace */

int main(int argc, char **argv)
{
	cmacam::CameraOptions options;
	options.main = {"NV12", 3840, 2160};
	options.policy = cmacam::Policy::Block;
	std::string path;
	unsigned int frames = 30;
	bool overwrite = false;

	CLI::App app("Records raw frames with O_DIRECT. Each frame is padded to whole blocks of "
		     "4096 bytes.");
	app.add_option("file", path, "output file")->required();
	app.add_option("--camera", options.id, "libcamera id; default: the first camera");
	app.add_option("--format", options.main.format, "libcamera pixel format")
		->capture_default_str();
	app.add_option("--width", options.main.width, "width of a frame, pixels")
		->capture_default_str();
	app.add_option("--height", options.main.height, "height of a frame, lines")
		->capture_default_str();
	app.add_option("--frames", frames, "end after this number of frames")
		->capture_default_str();
	app.add_flag("--overwrite", overwrite, "replace an existing file");
	CLI11_PARSE(app, argc, argv);

	auto camera = cmacam::Camera::open(options);
	if (!camera)
		return fail(camera.error().what);
	auto file = DirectFile::create(path, overwrite);
	if (!file)
		return fail(file.error().what);
	if (auto started = camera->start(); !started)
		return fail(started.error().what);

	for (unsigned int i = 0; i < frames; i++) {
		auto frame = camera->next();
		if (!frame)
			return fail(frame.error().what);
		frame->hold("recorder");
		auto pixels = frame->map();
		if (!pixels)
			return fail(pixels.error().what);

		auto bytes = file->append(*pixels);
		if (!bytes)
			return fail(bytes.error().what);
		std::printf("frame sequence=%u bytes=%zu\n", frame->sequence(), *bytes);
	}

	const auto counts = camera->statistics();
	std::printf("recorded %llu, lost %llu\n", static_cast<unsigned long long>(counts.delivered),
		    static_cast<unsigned long long>(counts.lost));

	return 0;
}
