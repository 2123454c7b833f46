/* SPDX-License-Identifier: MIT */
/*
 * The board's log, which has one line per event. When write() returns, the line is in
 * the file.
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
	/* Makes a log without a file. In such a log, write() does nothing. */
	Log() = default;
	/*
	 * Opens the file at `path` for appending. Creates the file if it does not exist. Throws
	 * std::system_error if the file cannot be opened.
	 */
	explicit Log(const std::string &path);

	/*
	 * Appends a line. If possible, one call of ::write() writes the whole line, so that a
	 * reader of the file rarely finds a part of a line. If the disk is full, the line is
	 * lost.
	 */
	void write(std::string_view line);

private:
	std::mutex mutex_;
	UniqueFd fd_;
	std::string buffer_;
};

} /* namespace cmacam::board */
