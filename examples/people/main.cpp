/* SPDX-License-Identifier: MIT */
/*
 * Counts the people in front of a camera, on the very pages the camera wrote.
 */

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>

#include <CLI/CLI.hpp>

#include <cmacam/camera.h>

#include "detector.h"
#include "page_frames.h"
#include "pictures.h"
#include "report.h"

using cmacam::Error;
using cmacam::Result;

namespace {

/* As long as the mark that the board can write into a frame. */
constexpr std::size_t kHeadBytes = 32;

/* A camera may be slow, at most so slow. */
constexpr std::chrono::seconds kFrameLimit{30};

struct Options
{
	cmacam::CameraOptions camera;
	unsigned int frames = 15;
	unsigned int every = 1;
	double scale = 1.2;
	std::string out;
	std::string contactSheet;
	bool overwrite = false;
	bool json = false;
	bool verify = false;
};

bool parseSize(const std::string &text, cmacam::StreamOptions *stream)
{
	std::istringstream in(text);
	char x = 0;
	return in >> stream->width >> x >> stream->height && x == 'x' && in.eof();
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

/* The way of one frame: access, detection, proof, pictures, end of access. */
class FrameWork
{
public:
	explicit FrameWork(const Options &options) : options_(options), detector_(options.scale) {}

	Result<void> checkSize(unsigned int width, unsigned int height) const;
	Result<FrameReport> operator()(const cmacam::Frame &lease);
	Result<void> writeContactSheet() const;

private:
	Result<void> keepPicture(const cv::Mat &picture, unsigned int sequence);

	const Options &options_;
	PeopleDetector detector_;
	ContactSheet sheet_;
};

Result<void> FrameWork::checkSize(unsigned int width, unsigned int height) const
{
	const cv::Size window = detector_.window();
	if (static_cast<int>(width) >= window.width && static_cast<int>(height) >= window.height)
		return {};

	std::ostringstream text;
	text << "frames of " << width << "x" << height
	     << " are smaller than the detector's window of " << window.width << "x"
	     << window.height;
	return Error{EINVAL, text.str()};
}

Result<FrameReport> FrameWork::operator()(const cmacam::Frame &lease)
{
	Result<cmacam::MappedFrame> frame = lease.map();
	if (!frame)
		return frame.error();

	const std::vector<cv::Rect> boxes = detector_.find(*frame);
	FrameReport report{lease.sequence(), lease.timestamp(), boxes.size(), std::nullopt};

	if (options_.verify) {
		Result<FrameProof> proof = proofOf(*frame);
		if (!proof)
			return proof.error();
		report.proof = *proof;
	}

	if (!options_.out.empty() || !options_.contactSheet.empty()) {
		const cv::Mat picture = annotatedCopy(*frame, boxes);
		if (Result<void> result = keepPicture(picture, lease.sequence()); !result)
			return result.error();
	}

	if (Result<void> result = frame->end(); !result)
		return result.error();

	return report;
}

Result<void> FrameWork::keepPicture(const cv::Mat &picture, unsigned int sequence)
{
	if (!options_.contactSheet.empty())
		sheet_.add(picture);

	if (options_.out.empty())
		return {};

	std::ostringstream name;
	name << options_.out << "/people-" << std::setw(6) << std::setfill('0') << sequence
	     << ".jpg";

	return writePicture(picture, name.str(), options_.overwrite);
}

Result<void> FrameWork::writeContactSheet() const
{
	if (options_.contactSheet.empty())
		return {};

	return writePicture(sheet_.compose(), options_.contactSheet, options_.overwrite);
}

Result<void> countPeople(const Options &options)
{
	/* It is written at the end: too late to hear of it. */
	if (!options.overwrite && std::filesystem::exists(options.contactSheet))
		return alreadyThere(options.contactSheet);

	if (!options.out.empty()) {
		std::error_code error;
		std::filesystem::create_directories(options.out, error);
		if (error)
			return Error{error.value(), options.out + ": " + error.message()};
	}

	Result<cmacam::Camera> camera = cmacam::Camera::open(options.camera);
	if (!camera)
		return camera.error();

	FrameWork work(options);
	const Result<cmacam::FrameLayout> layout = camera->layout();
	if (Result<void> result = work.checkSize(layout->width, layout->height); !result)
		return result;
	if (Result<void> result = camera->start(); !result)
		return result;

	Statistics statistics;
	unsigned int seen = 0;
	unsigned int done = 0;

	while (done < options.frames) {
		Result<cmacam::Frame> frame = camera->next(kFrameLimit);
		if (!frame)
			return frame.error();
		statistics.delivered(frame->sequence());
		if (seen++ % options.every)
			continue;

		frame->hold("people detector");
		Result<FrameReport> report = work(*frame);
		if (!report)
			return report.error();

		statistics.lookedAt(report->people);
		std::cout << line(*report, options.json) << std::endl;
		done++;
	}
	if (Result<void> result = camera->stop(); !result)
		return result;

	std::cout << statistics.line(options.json) << std::endl;

	return work.writeContactSheet();
}

int run(int argc, char **argv)
{
	Options options;
	/* All in order: what the camera lost is to be told from what was left out. */
	options.camera.policy = cmacam::Policy::Block;
	std::string size;

	CLI::App app("Counts the people in front of a camera.\n"
		     "Prints one line for each frame that it examines, and a summary.");
	app.add_option("--camera", options.camera.id, "libcamera id; default: the first camera");
	app.add_option("--size", size,
		       "frame size WIDTHxHEIGHT; default: the camera's default size");
	app.add_option("--format", options.camera.main.format, "pixel format, NV12 or R8")
		->check(CLI::IsMember({"NV12", "R8"}));
	app.add_option("--frames", options.frames, "number of frames to examine")
		->capture_default_str()
		->check(CLI::PositiveNumber);
	app.add_option("--every", options.every, "examine only every Nth frame")
		->capture_default_str()
		->check(CLI::PositiveNumber);
	app.add_option("--scale", options.scale,
		       "step between the sizes of the image pyramid; a larger step is faster")
		->capture_default_str()
		->check(CLI::Range(1.01, 2.0));
	app.add_option("--out", options.out, "folder for annotated copies of the frames");
	app.add_option("--contact-sheet", options.contactSheet,
		       "file for one picture with small copies of all examined frames");
	app.add_flag("--overwrite", options.overwrite, "replace existing pictures");
	app.add_flag("--json", options.json, "one JSON object per line instead of key=value");
	app.add_flag(
		"--verify", options.verify,
		"print the physical address and the first bytes of the luma plane (needs root)");
	CLI11_PARSE(app, argc, argv);

	if (!size.empty() && !parseSize(size, &options.camera.main)) {
		std::cerr << "people: size '" << size << "' is not WIDTHxHEIGHT" << std::endl;
		return 2;
	}

	if (Result<void> result = countPeople(options); !result) {
		std::cerr << "people: " << result.error().what << std::endl;
		return 1;
	}

	return 0;
}

} /* namespace */

int main(int argc, char **argv)
{
	try {
		return run(argc, argv);
	} catch (const std::exception &exception) {
		/* OpenCV and CLI11 throw; nothing of ours does. */
		std::fprintf(stderr, "people: %s\n", exception.what());
		return 1;
	}
}
