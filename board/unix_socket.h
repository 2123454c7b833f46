/* SPDX-License-Identifier: MIT */
/*
 * A listening Unix stream socket with its name in the file system.
 */
#pragma once

#include <string>

#include "unique_fd.h"

namespace cmacam {

class UnixListener
{
public:
	/*
	 * Takes over the name of a socket that nobody listens on any more.
	 * Throws std::system_error or, for a name too long,
	 * std::invalid_argument.
	 */
	explicit UnixListener(const std::string &path);
	~UnixListener();

	UnixListener(const UnixListener &) = delete;
	UnixListener &operator=(const UnixListener &) = delete;

	int fd() const { return fd_.get(); }
	/* Invalid if the client has gone again. */
	UniqueFd accept();

private:
	const std::string path_;
	UniqueFd fd_;
};

} /* namespace cmacam */
