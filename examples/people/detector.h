/* SPDX-License-Identifier: MIT */
/*
 * OpenCV's HOG people detector on the luma plane of a frame.
 */

#pragma once

#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/objdetect.hpp>

#include <cmacam/mapped_frame.h>

class PeopleDetector
{
public:
	/* scale: step of the image pyramid; closer to 1 finds more and takes longer. */
	explicit PeopleDetector(double scale);

	/* The smallest frame in which somebody can be found. */
	cv::Size window() const { return hog_.winSize; }

	/* Looks at the camera's own pages; nothing is copied. */
	std::vector<cv::Rect> find(const cmacam::MappedFrame &frame) const;

private:
	cv::HOGDescriptor hog_;
	double scale_;
};
