/* SPDX-License-Identifier: MIT */
/*
 * A file that frames are written to with O_DIRECT: the disk reads the camera's own
 * pages, no CPU touches a pixel and the page cache stays as it was.
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
	/* Makes the file. Errors: EEXIST unless it may overwrite; those of open(). */
	static cmacam::Result<DirectFile> create(const std::string &path, bool overwrite);

	/*
	 * Append a frame, from the start of its first plane to the end of its last and on
	 * to the end of the block. Returns the bytes written; errors: those of write().
	 */
	cmacam::Result<std::size_t> append(const cmacam::FrameView &frame);

private:
	DirectFile(const std::string &path, cmacam::UniqueFd fd) : path_(path), fd_(std::move(fd))
	{
	}

	std::string path_;
	cmacam::UniqueFd fd_;
};
