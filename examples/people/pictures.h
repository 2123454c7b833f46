/* SPDX-License-Identifier: MIT */
/*
 * The program writes two kinds of pictures: copies of frames with boxes, and a contact sheet.
 */

#pragma once

#include <string>
#include <vector>

#include <opencv2/core.hpp>

#include <cmacam/mapped_frame.h>
#include <cmacam/result.h>

/* Returns a colour copy of the frame with the boxes drawn. The frame stays unchanged. */
cv::Mat annotatedCopy(const cmacam::MappedFrame &frame, const std::vector<cv::Rect> &boxes);

/*
 * Writes a picture to a file. The extension of `path` determines the file type, as in
 * cv::imwrite(). Errors: EEXIST if the file exists and `overwrite` is false; EINVAL for an unknown
 * file type; the errors of fopen(); EIO if writing fails.
 */
cmacam::Result<void> writePicture(const cv::Mat &picture, const std::string &path, bool overwrite);

/* Returns the error EEXIST for a picture whose file already exists. */
cmacam::Error alreadyThere(const std::string &path);

/* A picture with small versions of other pictures, side by side. */
class ContactSheet
{
public:
	void add(const cv::Mat &picture);
	cv::Mat compose() const;

private:
	std::vector<cv::Mat> thumbnails_;
};
