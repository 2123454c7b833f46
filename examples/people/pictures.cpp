/* SPDX-License-Identifier: MIT */
/*
 * What people get to see: copies of frames with boxes, and a sheet of them.
 */

#include "pictures.h"

#include <algorithm>
#include <cerrno>

#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <cmacam/opencv.h>

namespace {

const cv::Scalar kBoxColour{0, 255, 0};
constexpr int kBoxWidth = 2;

constexpr int kThumbnailWidth = 256;
constexpr int kColumns = 5;
constexpr int kGap = 4;

} /* namespace */

cv::Mat annotatedCopy(const cmacam::MappedFrame &frame, const std::vector<cv::Rect> &boxes)
{
	cv::Mat copy = cmacam::bgr(frame);
	for (const cv::Rect &box : boxes)
		cv::rectangle(copy, box, kBoxColour, kBoxWidth);

	return copy;
}

cmacam::Result<void> writePicture(const cv::Mat &picture, const std::string &path)
{
	/* OpenCV throws for a file type it does not know, else it returns false. */
	try {
		if (!cv::imwrite(path, picture))
			return cmacam::Error{EIO, "cannot write the picture " + path};
	} catch (const cv::Exception &exception) {
		return cmacam::Error{EINVAL, path + ": " + exception.err};
	}

	return {};
}

void ContactSheet::add(const cv::Mat &picture)
{
	const int height = std::max(1, picture.rows * kThumbnailWidth / picture.cols);

	cv::Mat thumbnail;
	cv::resize(picture, thumbnail, {kThumbnailWidth, height}, 0, 0, cv::INTER_AREA);
	thumbnails_.push_back(thumbnail);
}

cv::Mat ContactSheet::compose() const
{
	if (thumbnails_.empty())
		return {};

	const int count = static_cast<int>(thumbnails_.size());
	const int columns = std::min(count, kColumns);
	const int rows = (count + columns - 1) / columns;
	const cv::Size cell{kThumbnailWidth + kGap, thumbnails_[0].rows + kGap};

	cv::Mat sheet = cv::Mat::zeros(rows * cell.height + kGap, columns * cell.width + kGap,
				       thumbnails_[0].type());
	for (int i = 0; i < count; i++) {
		const cv::Point corner{i % columns * cell.width + kGap,
				       i / columns * cell.height + kGap};
		thumbnails_[i].copyTo(sheet({corner, thumbnails_[i].size()}));
	}

	return sheet;
}
