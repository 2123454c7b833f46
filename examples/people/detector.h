/* SPDX-License-Identifier: MIT */
/*
 * OpenCV's HOG people detector on the luma plane of a frame.
 */

#pragma once

#include <string>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/objdetect.hpp>

#include <cmacam/mapped_frame.h>
#include <cmacam/result.h>

class PeopleDetector
{
public:
	/* scale: step of the image pyramid; closer to 1 finds more and takes longer. */
	explicit PeopleDetector(double scale);

	/* Looks at the camera's own pages; nothing is copied. */
	std::vector<cv::Rect> find(const cmacam::MappedFrame &frame) const;

private:
	cv::HOGDescriptor hog_;
	double scale_;
};

/* Write a colour copy of the frame with the boxes drawn; the frame stays as it is. */
cmacam::Result<void> writeAnnotated(const cmacam::MappedFrame &frame,
				    const std::vector<cv::Rect> &boxes, const std::string &path);
