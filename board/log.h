/* SPDX-License-Identifier: MIT */
/*
 * The board's log: one line per event, on disk before the call returns.
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
	/* Writes nothing. */
	Log() = default;
	/* Appends to the file: what is in it stays. Throws std::system_error. */
	explicit Log(const std::string &path);

	/* One write() per line: a reader never sees half of one for long. */
	void write(std::string_view line);

private:
	std::mutex mutex_;
	UniqueFd fd_;
	std::string buffer_;
};

} /* namespace cmacam::board */
