/* SPDX-License-Identifier: MIT */
/*
 * A listening Unix stream socket with its name in the file system.
 */
#pragma once

#include <string>

#include "socket_path.h"
#include "unique_fd.h"

namespace cmacam::board {

class UnixListener
{
public:
	/* Throws as SocketPath does; for a name too long, std::invalid_argument. */
	explicit UnixListener(const std::string &path);

	int fd() const { return fd_.get(); }
	/* Invalid if the client has gone again. */
	UniqueFd accept();

private:
	UniqueFd fd_;
	SocketPath path_; /* goes first */
};

} /* namespace cmacam::board */
