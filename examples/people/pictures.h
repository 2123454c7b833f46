/* SPDX-License-Identifier: MIT */
/*
 * What people get to see: copies of frames with boxes, and a sheet of them.
 */

#pragma once

#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include <cmacam/mapped_frame.h>
#include <cmacam/result.h>

/* A colour copy of the frame with the boxes drawn; the frame stays as it is. */
cv::Mat annotatedCopy(const cmacam::MappedFrame &frame, const std::vector<cv::Rect> &boxes);

/* The file type follows from the name, as in cv::imwrite(). EEXIST unless it may overwrite. */
cmacam::Result<void> writePicture(const cv::Mat &picture, const std::string &path, bool overwrite);

/* Why a picture is not written where a file is. */
cmacam::Error alreadyThere(const std::string &path);

/* Small versions of pictures, side by side. */
class ContactSheet
{
public:
	void add(const cv::Mat &picture);
	cv::Mat compose() const;

private:
	std::vector<cv::Mat> thumbnails_;
};
