/* SPDX-License-Identifier: MIT */
/*
 * Finds people in the luma plane of a frame with OpenCV's HOG detector.
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

	/* Returns the boxes of the people. The function reads the camera's pages without a copy. */
	std::vector<cv::Rect> find(const cmacam::MappedFrame &frame) const;

private:
	cv::HOGDescriptor hog_;
	double scale_;
};
