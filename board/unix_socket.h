/* SPDX-License-Identifier: MIT */
/*
 * A Unix stream socket that listens at a path in the file system.
 */
#pragma once

#include <string>

#include "socket_path.h"
#include "unique_fd.h"

namespace cmacam::board {

class UnixListener
{
public:
	/*
	 * Listens at `path`. Throws std::invalid_argument if `path` is empty or too long.
	 * Throws the exceptions of SocketPath(). Throws std::system_error if another system
	 * call fails.
	 */
	explicit UnixListener(const std::string &path);

	int fd() const { return fd_.get(); }
	/* Returns the connection to the next client. It is invalid if accept4() fails. */
	UniqueFd accept();

private:
	UniqueFd fd_;
	SocketPath path_; /* destroyed before fd_, because fd_ must still be open */
};

} /* namespace cmacam::board */
