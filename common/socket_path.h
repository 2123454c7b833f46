/* SPDX-License-Identifier: MIT */
/*
 * The path of a server's Unix socket in the file system.
 */
#pragma once

#include <string>
#include <utility>

#include <sys/types.h>
#include <sys/un.h>

namespace cmacam {

/*
 * The board and libcmacam use this class. The class makes sure that a server removes neither
 * the socket of another running server nor a file of another type.
 */
class SocketPath
{
public:
	/*
	 * Binds `socket` to the path in `address`. If a killed server has left its
	 * socket at the path, the new socket replaces the old socket. Anything else
	 * at the path is kept, and the constructor fails. Throws std::system_error
	 * with one of these errors: EADDRINUSE if another server uses the socket at
	 * the path; EEXIST if a file of another type is at the path; EBUSY if the
	 * socket of a killed server cannot be replaced, because its folder cannot be
	 * locked; otherwise the errno of the system call that failed.
	 */
	SocketPath(int socket, const sockaddr_un &address);

	/* Removes the path if it still belongs to this socket. The socket must still be open. */
	~SocketPath();

	SocketPath(SocketPath &&other) noexcept
		: path_(std::exchange(other.path_, {})),
		  device_(other.device_),
		  inode_(other.inode_)
	{
	}
	SocketPath &operator=(SocketPath &&) = delete;

private:
	std::string path_; /* empty if this object was moved from */
	dev_t device_ = 0;
	ino_t inode_ = 0;
};

} /* namespace cmacam */
