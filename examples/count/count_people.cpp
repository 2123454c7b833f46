// SPDX-License-Identifier: MIT
#include <cmacam/camera.h>
#include <cmacam/opencv.h>
#include <cstdio>
#include <opencv2/objdetect.hpp>

int main()
{
	cv::HOGDescriptor hog;
	hog.setSVMDetector(cv::HOGDescriptor::getDefaultPeopleDetector());
	auto camera = cmacam::Camera::open({.main = {"NV12", 768, 576}});
	auto started = camera ? camera->start() : camera.error();
	if (!started)
		return std::fprintf(stderr, "%s\n", started.error().what.c_str()), 1;
	for (int i = 0; i < 3; i++) {
		auto frame = camera->next();
		auto pixels = frame ? frame->map() : frame.error();
		if (!pixels)
			return std::fprintf(stderr, "%s\n", pixels.error().what.c_str()), 1;
		std::vector<cv::Rect> people;
		hog.detectMultiScale(cmacam::gray(*pixels), people, 0, {8, 8}, {8, 8}, 1.2);
		std::printf("frame %u: %zu people\n", frame->sequence(), people.size());
	}
}
