/* SPDX-License-Identifier: MIT */
/* Looks at libcamera frames through MappedFrame and prints what it can prove about each. */

#include <CLI/CLI.hpp>
#include <iostream>

#include "camera_loop.h"
#include "witness.h"

namespace {

/* All bytes of a frame: its planes follow each other in one buffer. */
std::span<const std::byte> wholeFrame(const cmacam::MappedFrame &frame)
{
	const auto first = frame.planes().front().data;
	const auto last = frame.planes().back().data;
	return {first.data(), last.data() + last.size()};
}

cmacam::Result<bool> report(const CameraFrame &camera)
{
	cmacam::Result<cmacam::MappedFrame> frame = camera.pixels.begin();
	if (!frame)
		return frame.error();

	const auto bytes = wholeFrame(*frame);
	printf("frame seq=%u bytes=%zu", camera.sequence, bytes.size());
	witness::printEvidence(bytes, bytes, true);
	putchar('\n');
	fflush(stdout);

	if (cmacam::Result<void> ended = frame->end(); !ended)
		return ended.error();
	return true;
}

} /* namespace */

int main(int argc, char **argv)
{
	CameraOptions camera{"", "NV12", 640, 480};
	unsigned int frames = 5;

	CLI::App app{"Print what can be proven about frames seen through MappedFrame"};
	app.add_option("--format", camera.format, "libcamera pixel format");
	app.add_option("--width", camera.width, "pixels");
	app.add_option("--height", camera.height, "lines");
	app.add_option("--frames", frames, "frames to look at");
	CLI11_PARSE(app, argc, argv);

	auto loop = CameraLoop::open(camera);
	if (!loop) {
		std::cerr << "mapped_probe: " << loop.error().what << std::endl;
		return 1;
	}

	unsigned int done = 0;
	const auto result = (*loop)->run([&](const CameraFrame &frame) -> cmacam::Result<bool> {
		if (auto reported = report(frame); !reported)
			return reported;
		return ++done < frames;
	});
	if (!result) {
		std::cerr << "mapped_probe: " << result.error().what << std::endl;
		return 1;
	}
	return 0;
}
