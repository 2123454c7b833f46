/* SPDX-License-Identifier: MIT */
/*
 * Records raw frames with O_DIRECT: the disk reads the camera's own pages, no CPU
 * touches a pixel and the page cache stays as it was.
 */

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <cmacam/camera.h>

namespace {

/* Address, length and offset of an O_DIRECT write are multiples of this. */
constexpr std::size_t kBlock = 4096;

int fail(const std::string &what)
{
	std::fprintf(stderr, "recorder: %s\n", what.c_str());
	return 1;
}

/*
 * Everything from the start of the frame's first plane to the end of its last, and
 * on to the end of the block: a mapping is made of whole pages.
 */
std::span<const std::byte> wholeBlocks(const cmacam::FrameView &frame)
{
	const std::byte *begin = frame.planes().front().data.data();
	const auto last = frame.planes().back().data;
	const auto size = static_cast<std::size_t>(last.data() + last.size() - begin);
	return {begin, (size + kBlock - 1) / kBlock * kBlock};
}

} /* namespace */

int main(int argc, char **argv)
{
	cmacam::CameraOptions options;
	options.main = {"NV12", 3840, 2160};
	options.policy = cmacam::Policy::Block;
	std::string path;
	unsigned int frames = 30;

	CLI::App app(
		"Records raw frames with O_DIRECT, each padded to whole blocks of 4096 bytes.");
	app.add_option("file", path, "where to")->required();
	app.add_option("--camera", options.id, "libcamera id; default: the first camera");
	app.add_option("--format", options.main.format, "libcamera pixel format")
		->capture_default_str();
	app.add_option("--width", options.main.width, "pixels")->capture_default_str();
	app.add_option("--height", options.main.height, "lines")->capture_default_str();
	app.add_option("--frames", frames, "how many")->capture_default_str();
	CLI11_PARSE(app, argc, argv);

	const cmacam::UniqueFd file(
		open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0644));
	if (!file.isValid())
		return fail(path + ": " + std::strerror(errno));

	auto camera = cmacam::Camera::open(options);
	if (!camera)
		return fail(camera.error().what);
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

		auto left = wholeBlocks(*pixels);
		const std::size_t bytes = left.size();
		while (!left.empty()) {
			const ssize_t written = write(file.get(), left.data(), left.size());
			if (written < 0)
				return fail(path + ": " + std::strerror(errno));
			left = left.subspan(static_cast<std::size_t>(written));
		}
		std::printf("frame sequence=%u bytes=%zu\n", frame->sequence(), bytes);
	}

	const auto counts = camera->statistics();
	std::printf("recorded %llu, lost %llu\n", static_cast<unsigned long long>(counts.delivered),
		    static_cast<unsigned long long>(counts.lost));

	return 0;
}
