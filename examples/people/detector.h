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
	/*
	 * scale: Step between the sizes of the image pyramid. A value closer to 1 finds more
	 * people and takes longer.
	 */
	explicit PeopleDetector(double scale);

	/* The smallest frame in which the detector can find a person. */
	cv::Size window() const { return hog_.winSize; }

	/* Finds people. Reads the pages that the camera wrote, without a copy. */
	std::vector<cv::Rect> find(const cmacam::MappedFrame &frame) const;

private:
	cv::HOGDescriptor hog_;
	double scale_;
};
