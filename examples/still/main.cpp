/* SPDX-License-Identifier: MIT */
/*
 * Takes stills in full size beside a small preview, and writes their pixels to files.
 */

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <future>
#include <string>

#include <CLI/CLI.hpp>

#include <cmacam/camera.h>

namespace {

struct Options
{
	cmacam::CameraOptions camera;
	unsigned int stills = 2;
	std::string folder;
	bool overwrite = false;
};

int fail(const std::string &what)
{
	std::fprintf(stderr, "stills: %s\n", what.c_str());
	return 1;
}

/* Without the padding of lines and planes. */
bool writePixels(const std::string &path, const cmacam::MappedFrame &pixels)
{
	std::FILE *file = std::fopen(path.c_str(), "wb");
	bool good = file != nullptr;

	for (const cmacam::MappedPlane &plane : pixels.planes()) {
		for (unsigned int row = 0; good && row < plane.height; row++) {
			const auto line = plane.line(row);
			good = std::fwrite(line.data(), 1, line.size(), file) == line.size();
		}
	}
	return file && std::fclose(file) == 0 && good;
}

/* The first still that fails ends the work; an empty text is success. */
std::string takeStills(cmacam::Camera &camera, const Options &options)
{
	for (unsigned int i = 0; i < options.stills; i++) {
		const std::string path = options.folder + "/still-" + std::to_string(i) + ".nv12";
		if (!options.overwrite && std::filesystem::exists(path))
			return path + " is there already; --overwrite replaces it";

		const cmacam::Result<cmacam::Frame> still = camera.capture();
		if (!still)
			return still.error().what;
		cmacam::Result<cmacam::MappedFrame> pixels = still->map();
		if (!pixels)
			return pixels.error().what;
		if (!writePixels(path, *pixels))
			return "cannot write " + path;
		std::printf("still sequence=%u size=%ux%u file=%s\n", still->sequence(),
			    pixels->width(), pixels->height(), path.c_str());
		if (const auto ended = pixels->end(); !ended)
			return ended.error().what;
	}
	return {};
}

} /* namespace */

int main(int argc, char **argv)
{
	Options options;
	options.camera.main = {"NV12", 320, 240};
	options.camera.still = cmacam::StreamOptions{"NV12"};
	options.camera.policy = cmacam::Policy::Block;

	CLI::App app("Takes stills in full size beside a small preview, which loses no frame.");
	app.add_option("folder", options.folder, "folder for the stills")->required();
	app.add_option("--camera", options.camera.id, "libcamera id; default: the first camera");
	app.add_option("--frames", options.stills, "number of stills")->capture_default_str();
	app.add_flag("--overwrite", options.overwrite, "replace files that exist");
	CLI11_PARSE(app, argc, argv);

	auto camera = cmacam::Camera::open(options.camera);
	if (!camera)
		return fail(camera.error().what);
	if (auto started = camera->start(); !started)
		return fail(started.error().what);

	auto failure =
		std::async(std::launch::async, takeStills, std::ref(*camera), std::cref(options));
	unsigned int previews = 0;
	while (failure.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
		const auto frame = camera->next();
		if (!frame)
			return fail(frame.error().what);
		previews++;
	}
	if (const std::string text = failure.get(); !text.empty())
		return fail(text);
	std::printf("previews=%u lost=%llu\n", previews,
		    static_cast<unsigned long long>(camera->statistics().lost));
	return 0;
}
