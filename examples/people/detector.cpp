/* SPDX-License-Identifier: MIT */
/*
 * OpenCV's HOG people detector on the luma plane of a frame.
 */

#include "detector.h"

#include <cerrno>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <cmacam/opencv.h>

namespace {

/* In pixels; the detector's window moves by whole cells of eight. */
const cv::Size kWindowStride{8, 8};
const cv::Size kPadding{8, 8};

const cv::Scalar kBoxColour{0, 255, 0};

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

cmacam::Result<void> writeAnnotated(const cmacam::MappedFrame &frame,
				    const std::vector<cv::Rect> &boxes, const std::string &path)
{
	cv::Mat copy;
	if (cv::Mat uv = cmacam::uv(frame); !uv.empty())
		cv::cvtColorTwoPlane(cmacam::gray(frame), uv, copy, cv::COLOR_YUV2BGR_NV12);
	else
		cv::cvtColor(cmacam::gray(frame), copy, cv::COLOR_GRAY2BGR);

	for (const cv::Rect &box : boxes)
		cv::rectangle(copy, box, kBoxColour, 2);

	if (!cv::imwrite(path, copy))
		return cmacam::Error{EIO, "cannot write " + path};

	return {};
}
