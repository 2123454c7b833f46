/* SPDX-License-Identifier: MIT */
/*
 * Counts the people in front of a camera, on the very pages the camera wrote.
 */

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

#include <CLI/CLI.hpp>

#include "camera_loop.h"
#include "detector.h"
#include "page_frames.h"
#include "report.h"

using cmacam::Error;
using cmacam::Result;

namespace {

/* As long as the mark that the board can write into a frame. */
constexpr std::size_t kHeadBytes = 32;

struct Options
{
	CameraOptions camera;
	unsigned int frames = 15;
	unsigned int every = 1;
	double scale = 1.2;
	std::string out;
	bool json = false;
	bool verify = false;
};

bool parseSize(const std::string &text, CameraOptions *camera)
{
	std::istringstream in(text);
	char x = 0;
	return in >> camera->width >> x >> camera->height && x == 'x' && in.eof();
}

Result<FrameProof> proofOf(const cmacam::MappedFrame &frame)
{
	const std::span<const std::byte> luma = frame.planes()[0].data;

	Result<PhysicalRange> range = physicalRange(luma);
	if (!range)
		return range.error();

	std::ostringstream head;
	head << std::hex << std::setfill('0');
	for (std::byte b : luma.first(std::min(kHeadBytes, luma.size())))
		head << std::setw(2) << std::to_integer<int>(b);

	return FrameProof{*range, head.str()};
}

Result<FrameReport> lookAt(const CameraFrame &camera, const PeopleDetector &detector,
			   const Options &options)
{
	Result<cmacam::MappedFrame> frame = camera.pixels.begin();
	if (!frame)
		return frame.error();

	FrameReport report{camera.sequence, camera.timestamp, 0, std::nullopt};
	const std::vector<cv::Rect> boxes = detector.find(*frame);
	report.people = boxes.size();

	if (options.verify) {
		Result<FrameProof> proof = proofOf(*frame);
		if (!proof)
			return proof.error();
		report.proof = *proof;
	}

	if (!options.out.empty()) {
		std::ostringstream name;
		name << options.out << "/people-" << std::setw(6) << std::setfill('0')
		     << camera.sequence << ".jpg";
		if (Result<void> result = writeAnnotated(*frame, boxes, name.str()); !result)
			return result.error();
	}

	if (Result<void> result = frame->end(); !result)
		return result.error();

	return report;
}

Result<void> countPeople(const Options &options)
{
	if (!options.out.empty()) {
		std::error_code error;
		std::filesystem::create_directories(options.out, error);
		if (error)
			return Error{error.value(), options.out + ": " + error.message()};
	}

	Result<std::unique_ptr<CameraLoop>> loop = CameraLoop::open(options.camera);
	if (!loop)
		return loop.error();

	const PeopleDetector detector(options.scale);
	Statistics statistics;
	unsigned int seen = 0;
	unsigned int done = 0;

	if (!options.json)
		std::cout << header() << std::endl;

	Result<void> result = (*loop)->run([&](const CameraFrame &frame) -> Result<bool> {
		statistics.delivered(frame.sequence);
		if (seen++ % options.every)
			return true;

		Result<FrameReport> report = lookAt(frame, detector, options);
		if (!report)
			return report.error();

		statistics.lookedAt(report->people);
		std::cout << line(*report, options.json) << std::endl;

		return ++done < options.frames;
	});
	if (!result)
		return result;

	std::cout << statistics.line(options.json) << std::endl;

	return {};
}

} /* namespace */

int main(int argc, char **argv)
{
	Options options;
	std::string size;

	CLI::App app("Counts the people in front of a camera.\n"
		     "Prints one line per frame looked at, and a summary.");
	app.add_option("--camera", options.camera.id, "libcamera id; default: the first camera");
	app.add_option("--size", size, "WIDTHxHEIGHT; default: the camera's");
	app.add_option("--format", options.camera.format, "NV12 or R8")
		->check(CLI::IsMember({"NV12", "R8"}));
	app.add_option("--frames", options.frames, "frames to look at")
		->capture_default_str()
		->check(CLI::PositiveNumber);
	app.add_option("--every", options.every, "look at every Nth frame only")
		->capture_default_str()
		->check(CLI::PositiveNumber);
	app.add_option("--scale", options.scale, "step of the image pyramid, larger is faster")
		->capture_default_str()
		->check(CLI::Range(1.01, 2.0));
	app.add_option("--out", options.out, "folder for annotated copies of the frames");
	app.add_flag("--json", options.json, "one JSON object per line instead of columns");
	app.add_flag("--verify", options.verify,
		     "print where the luma plane lies physically and how it begins (as root)");
	CLI11_PARSE(app, argc, argv);

	if (!size.empty() && !parseSize(size, &options.camera)) {
		std::cerr << "people: size '" << size << "' is not WIDTHxHEIGHT" << std::endl;
		return 2;
	}

	if (Result<void> result = countPeople(options); !result) {
		std::cerr << "people: " << result.error().what << std::endl;
		return 1;
	}

	return 0;
}
