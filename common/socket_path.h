/* SPDX-License-Identifier: MIT */
/*
 * The name of a server's Unix socket in the file system.
 */
#pragma once

#include <string>
#include <utility>

#include <sys/types.h>
#include <sys/un.h>

namespace cmacam {

/* Shared by the board and libcmacam: neither may remove what is not its own. */
class SocketPath
{
public:
	/*
	 * Binds a socket. What is at the path already is kept, except a socket
	 * that a killed server left behind. Throws std::system_error: EADDRINUSE
	 * if a living socket is there, EEXIST if it is anything else, EBUSY if a
	 * left-over cannot be replaced because the folder stays locked; else the
	 * errno of the call that failed.
	 */
	SocketPath(int socket, const sockaddr_un &address);

	/* Removes the path if this socket is still there, which must still be open. */
	~SocketPath();

	SocketPath(SocketPath &&other) noexcept
		: path_(std::exchange(other.path_, {})),
		  device_(other.device_),
		  inode_(other.inode_)
	{
	}
	SocketPath &operator=(SocketPath &&) = delete;

private:
	std::string path_; /* empty: moved away */
	dev_t device_ = 0;
	ino_t inode_ = 0;
};

} /* namespace cmacam */
