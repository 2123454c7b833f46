/* SPDX-License-Identifier: MIT */
/* Looks at libcamera frames through MappedFrame and prints what it can prove about each. */

#include <CLI/CLI.hpp>
#include <charconv>
#include <iostream>

#include <cmacam/camera.h>

#include "witness.h"

namespace {

/* All bytes of a frame: its planes follow each other in one buffer. */
std::span<const std::byte> wholeFrame(const cmacam::MappedFrame &frame)
{
	const auto first = frame.planes().front().data;
	const auto last = frame.planes().back().data;
	return {first.data(), last.data() + last.size()};
}

struct Look
{
	bool lines = false;
	bool digest = true;
	std::vector<cmacam::Rect> parts;
};

/* Frames begin on a page, so addresses tell where the cache lines are. */
witness::Lines countLines(const cmacam::MappedFrame &frame, uint32_t sequence)
{
	witness::Lines lines;
	for (const cmacam::MappedPlane &plane : frame.planes()) {
		for (unsigned int y = 0; y < plane.height; y++) {
			const auto line = plane.line(y);
			const auto part = witness::countLines(
				line, sequence, reinterpret_cast<uintptr_t>(line.data()));
			lines.all += part.all;
			lines.stale += part.stale;
		}
	}
	return lines;
}

cmacam::Result<void> reportWhole(const cmacam::Frame &lease, const Look &look)
{
	cmacam::Result<cmacam::MappedFrame> frame = lease.map();
	if (!frame)
		return frame.error();

	const auto bytes = wholeFrame(*frame);
	printf("frame seq=%u bytes=%zu", lease.sequence(), bytes.size());
	if (look.lines) {
		const auto lines = countLines(*frame, lease.sequence());
		printf(" lines=%zu stale_lines=%zu", lines.all, lines.stale);
	}
	witness::printEvidence(bytes, bytes, look.digest);
	putchar('\n');

	return frame->end();
}

/* One part after the other, each with an access of its own. */
cmacam::Result<void> reportParts(const cmacam::Frame &lease, const Look &look)
{
	witness::Lines lines;
	for (const cmacam::Rect &rect : look.parts) {
		cmacam::Result<cmacam::MappedFrame> frame = lease.roi(rect);
		if (!frame)
			return frame.error();
		const auto part = countLines(*frame, lease.sequence());
		lines.all += part.all;
		lines.stale += part.stale;
		if (cmacam::Result<void> ended = frame->end(); !ended)
			return ended.error();
	}
	printf("frame seq=%u lines=%zu stale_lines=%zu\n", lease.sequence(), lines.all,
	       lines.stale);
	return {};
}

/* X,Y,WIDTH,HEIGHT */
cmacam::Rect parseRect(const std::string &text)
{
	std::array<unsigned int, 4> values{};
	const char *at = text.data();
	const char *const end = at + text.size();
	for (unsigned int &value : values) {
		const auto [next, error] = std::from_chars(at, end, value);
		const bool last = &value == &values.back();
		if (error != std::errc() || (last ? next != end : next == end || *next != ','))
			throw CLI::ValidationError("--roi", text + " is not X,Y,WIDTH,HEIGHT");
		at = next + !last;
	}
	return {values[0], values[1], values[2], values[3]};
}

} /* namespace */

int main(int argc, char **argv)
{
	cmacam::CameraOptions options;
	options.main = {"NV12", 640, 480};
	options.policy = cmacam::Policy::Block;
	unsigned int frames = 5;
	Look look;

	CLI::App app{"Print what can be proven about frames seen through MappedFrame"};
	app.add_option("--format", options.main.format, "libcamera pixel format");
	app.add_option("--width", options.main.width, "pixels");
	app.add_option("--height", options.main.height, "lines");
	app.add_option("--frames", frames, "frames to look at");
	app.add_flag("--lines", look.lines,
		     "count 64-byte lines without the frame's number (mark mode lines)");
	app.add_flag("!--no-digest", look.digest, "no SHA-256 of each frame");
	app.add_option_function<std::string>(
		   "--roi",
		   [&look](const std::string &text) { look.parts.push_back(parseRect(text)); },
		   "look at this part only, X,Y,WIDTH,HEIGHT; counts lines; may be repeated")
		->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
		->trigger_on_parse();
	CLI11_PARSE(app, argc, argv);

	const auto fail = [](const cmacam::Error &error) {
		std::cerr << "mapped_probe: " << error.what << std::endl;
		return 1;
	};
	auto camera = cmacam::Camera::open(options);
	if (!camera)
		return fail(camera.error());
	if (auto started = camera->start(); !started)
		return fail(started.error());

	for (unsigned int done = 0; done < frames; done++) {
		auto frame = camera->next(std::chrono::minutes(1));
		if (!frame)
			return fail(frame.error());
		auto reported =
			look.parts.empty() ? reportWhole(*frame, look) : reportParts(*frame, look);
		fflush(stdout);
		if (!reported)
			return fail(reported.error());
	}
	return 0;
}
