/* SPDX-License-Identifier: MIT */
/*
 * What people get to see: copies of frames with boxes, and a sheet of them.
 */

#include "pictures.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

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

cmacam::Result<void> writePicture(const cv::Mat &picture, const std::string &path, bool overwrite)
{
	std::vector<unsigned char> bytes;
	/* OpenCV throws for a file type it does not know. */
	try {
		cv::imencode(std::filesystem::path(path).extension(), picture, bytes);
	} catch (const cv::Exception &exception) {
		return cmacam::Error{EINVAL, path + ": " + exception.err};
	}

	std::FILE *file = std::fopen(path.c_str(), overwrite ? "wb" : "wbx");
	if (!file && errno == EEXIST)
		return alreadyThere(path);
	if (!file)
		return cmacam::Error{errno, path + ": " + std::strerror(errno)};
	const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
	if (std::fclose(file) != 0 || !written)
		return cmacam::Error{EIO, "cannot write the picture " + path};

	return {};
}

cmacam::Error alreadyThere(const std::string &path)
{
	return {EEXIST, path + " is there already; --overwrite replaces it"};
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
