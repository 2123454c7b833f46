/* SPDX-License-Identifier: MIT */
/*
 * Says where something moves, in a part of the picture only: the rest of the
 * frame is neither looked at nor synchronised.
 */

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <cmacam/camera.h>

namespace {

/* One sample of eight by eight pixels is enough to see something move. */
constexpr unsigned int kStep = 8;

int fail(const cmacam::Error &error)
{
	std::fprintf(stderr, "motion: %s\n", error.what.c_str());
	return 1;
}

/* A small picture of the part. */
std::vector<int> samplesOf(const cmacam::MappedPlane &luma)
{
	std::vector<int> samples;
	for (unsigned int y = 0; y < luma.height; y += kStep) {
		const auto line = luma.line(y);
		for (unsigned int x = 0; x < luma.width; x += kStep)
			samples.push_back(std::to_integer<int>(line[x]));
	}
	return samples;
}

} /* namespace */

int main(int argc, char **argv)
{
	cmacam::CameraOptions options;
	options.main = {"NV12", 640, 480};
	std::array<unsigned int, 4> roi{160, 120, 320, 240};
	unsigned int frames = 100;
	int threshold = 24;

	CLI::App app("Prints the share of moving samples in a part of each frame.");
	app.add_option("--camera", options.id, "libcamera id; default: the first camera");
	app.add_option("--width", options.main.width, "width of a frame, pixels")
		->capture_default_str();
	app.add_option("--height", options.main.height, "height of a frame, lines")
		->capture_default_str();
	app.add_option("--roi", roi, "part of the frame: x y width height, pixels")
		->capture_default_str();
	app.add_option("--frames", frames, "end after this number of frames")
		->capture_default_str();
	app.add_option(
		   "--threshold", threshold,
		   "smallest change of a luma sample that counts as motion; the luma range is 219")
		->capture_default_str();
	CLI11_PARSE(app, argc, argv);

	auto camera = cmacam::Camera::open(options);
	if (!camera)
		return fail(camera.error());
	if (auto started = camera->start(); !started)
		return fail(started.error());

	std::vector<int> before;
	for (unsigned int i = 0; i < frames; i++) {
		auto frame = camera->next();
		if (!frame)
			return fail(frame.error());
		auto part = frame->roi({roi[0], roi[1], roi[2], roi[3]});
		if (!part)
			return fail(part.error());

		std::vector<int> now = samplesOf(part->planes()[0]);
		if (auto ended = part->end(); !ended)
			return fail(ended.error());
		frame->release();

		std::size_t moved = 0;
		for (std::size_t j = 0; j < before.size(); j++)
			moved += std::abs(now[j] - before[j]) >= threshold;
		std::printf("frame sequence=%u moved=%.3f\n", frame->sequence(),
			    static_cast<double>(moved) / static_cast<double>(now.size()));
		before = std::move(now);
	}

	return 0;
}
