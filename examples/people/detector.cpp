/* SPDX-License-Identifier: MIT */
/*
 * OpenCV's HOG people detector on the luma plane of a frame.
 */

#include "detector.h"

#include <cmacam/opencv.h>

namespace {

/* In pixels; the detector's window moves by whole cells of eight. */
const cv::Size kWindowStride{8, 8};
const cv::Size kPadding{8, 8};

} /* namespace */

PeopleDetector::PeopleDetector(double scale) : scale_(scale)
{
	hog_.setSVMDetector(cv::HOGDescriptor::getDefaultPeopleDetector());
}

std::vector<cv::Rect> PeopleDetector::find(const cmacam::MappedFrame &frame) const
{
	std::vector<cv::Rect> boxes;
	hog_.detectMultiScale(cmacam::gray(frame), boxes, 0, kWindowStride, kPadding, scale_);

	return boxes;
}
