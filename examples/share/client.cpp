/* SPDX-License-Identifier: MIT */
/*
 * Reads frames that share-server lends, and prints how bright each is.
 */

#include <cstdio>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>

#include <cmacam/sharing.h>

namespace {

int fail(const cmacam::Error &error)
{
	std::fprintf(stderr, "share-client: %s\n", error.what.c_str());
	return 1;
}

/* The mean of the bytes of a frame's first plane. */
double brightness(const cmacam::FrameView &frame)
{
	const cmacam::MappedPlane &plane = frame.planes()[0];
	std::uint64_t sum = 0;
	std::uint64_t count = 0;
	for (unsigned int y = 0; y < plane.height; y++) {
		for (std::byte value : plane.line(y))
			sum += std::to_integer<unsigned int>(value);
		count += plane.line(y).size();
	}
	return static_cast<double>(sum) / static_cast<double>(count);
}

} /* namespace */

int main(int argc, char **argv)
{
	std::string path = "/run/cmacam-frames";
	unsigned int frames = 10;
	unsigned int credits = 2;
	bool keep = false;

	CLI::App app("Reads frames from share-server and prints the brightness of each frame.");
	app.add_option("--socket", path, "path at which the server listens")->capture_default_str();
	app.add_option("--frames", frames, "end after this number of frames")
		->capture_default_str();
	app.add_option("--credits", credits, "maximum number of frames to hold at the same time")
		->capture_default_str();
	app.add_flag("--keep", keep, "keep all frames and wait, to behave as a broken reader");
	CLI11_PARSE(app, argc, argv);

	auto client = cmacam::FrameClient::connect(path, credits);
	if (!client)
		return fail(client.error());

	std::vector<cmacam::Frame> kept;
	for (unsigned int i = 0; i < frames; i++) {
		auto frame = client->next();
		if (!frame)
			return fail(frame.error());
		auto pixels = frame->map();
		if (!pixels)
			return fail(pixels.error());
		std::printf("frame sequence=%u brightness=%.1f missed=%llu\n", frame->sequence(),
			    brightness(*pixels), static_cast<unsigned long long>(client->missed()));
		std::fflush(stdout);
		if (auto ended = pixels->end(); !ended)
			return fail(ended.error());
		if (keep)
			kept.push_back(*std::move(frame));
		if (kept.size() == client->credits()) {
			while (true)
				pause();
		}
	}

	return 0;
}
