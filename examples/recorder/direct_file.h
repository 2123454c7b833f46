/* SPDX-License-Identifier: MIT */
/*
 * A file to which frames are written with O_DIRECT. The disk reads the pages that the
 * camera wrote. The CPU accesses no pixel, and the page cache is not used.
 */

#pragma once

#include <cstddef>
#include <string>

#include <cmacam/dma_buf.h>
#include <cmacam/frame_view.h>
#include <cmacam/result.h>

class DirectFile
{
public:
	/*
	 * Creates the file, or empties an existing file. Errors: EEXIST if the file exists and
	 * `overwrite` is false; the errors of open().
	 */
	static cmacam::Result<DirectFile> create(const std::string &path, bool overwrite);

	/*
	 * Appends the bytes of a frame from the start of the first plane to the end of the last
	 * plane. The length is rounded up to whole blocks of 4096 bytes. Returns the number of
	 * bytes that were written. Errors: the errors of write().
	 */
	cmacam::Result<std::size_t> append(const cmacam::FrameView &frame);

private:
	DirectFile(const std::string &path, cmacam::UniqueFd fd) : path_(path), fd_(std::move(fd))
	{
	}

	std::string path_;
	cmacam::UniqueFd fd_;
};
