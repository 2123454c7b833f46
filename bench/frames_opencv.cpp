/* SPDX-License-Identifier: MIT */
/*
 * Frames as OpenCV's VideoCapture gives them: in BGR, in a cv::Mat. Runs until
 * it is killed.
 */

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <opencv2/videoio.hpp>

#include "frames.h"

namespace {

cv::VideoCapture open(const std::string &device, const std::string &pipeline, int width, int height)
{
	if (!pipeline.empty())
		return cv::VideoCapture(pipeline, cv::CAP_GSTREAMER);
	/* NV12 for all: what is compared is the way, not the format. */
	return cv::VideoCapture(device, cv::CAP_V4L2,
				{cv::CAP_PROP_FOURCC, cv::VideoWriter::fourcc('N', 'V', '1', '2'),
				 cv::CAP_PROP_FRAME_WIDTH, width, cv::CAP_PROP_FRAME_HEIGHT,
				 height});
}

int parseAndRun(int argc, char **argv)
{
	std::string device = "/dev/video0";
	std::string pipeline;
	std::string markerPath;
	int width = 640;
	int height = 480;
	CLI::App app{"Capture BGR frames with OpenCV's VideoCapture until this program is killed"};
	app.add_option("--device", device, "video node for OpenCV's V4L2 backend");
	app.add_option(
		"--pipeline", pipeline,
		"pipeline for OpenCV's GStreamer backend, with an appsink as its last element "
		"(default: use the V4L2 backend)");
	app.add_option("--width", width, "width of a frame, pixels");
	app.add_option("--height", height, "height of a frame, lines");
	app.add_option("--marker", markerPath,
		       "path of the trace_marker that gets a line for each frame");
	CLI11_PARSE(app, argc, argv);

	const bench::Marker marker(markerPath);
	cv::VideoCapture capture = open(device, pipeline, width, height);
	for (cv::Mat frame; capture.read(frame); marker.frame()) {
		if (frame.type() != CV_8UC3 || frame.cols != width || frame.rows != height) {
			fprintf(stderr, "frames_opencv: wrong frame: %dx%d, OpenCV type %d\n",
				frame.cols, frame.rows, frame.type());
			return EXIT_FAILURE;
		}
	}
	fprintf(stderr, "frames_opencv: VideoCapture delivered no frame\n");
	return EXIT_FAILURE;
}

} /* namespace */

int main(int argc, char **argv)
{
	return bench::mainOf("frames_opencv", parseAndRun, argc, argv);
}
