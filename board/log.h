/* SPDX-License-Identifier: MIT */
/*
 * The board's log: one line per event. The line is in the file when write() returns.
 */
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "unique_fd.h"

namespace cmacam::board {

class Log
{
public:
	/* A log without a file: write() does nothing. */
	Log() = default;
	/* Opens a file to append to, or creates it. Throws std::system_error if that fails. */
	explicit Log(const std::string &path);

	/*
	 * Appends a line with one call of ::write() if possible, so that a reader hardly ever
	 * sees a part of a line. The line is lost if the disk is full.
	 */
	void write(std::string_view line);

private:
	std::mutex mutex_;
	UniqueFd fd_;
	std::string buffer_;
};

} /* namespace cmacam::board */
