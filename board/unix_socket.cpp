/* SPDX-License-Identifier: MIT */
/*
 * A listening Unix stream socket with its name in the file system.
 */
#include "unix_socket.h"

#include <cerrno>
#include <cstring>
#include <format>
#include <stdexcept>
#include <system_error>

#include <sys/socket.h>
#include <sys/un.h>

namespace cmacam::board {

namespace {

UniqueFd streamSocket()
{
	UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	if (!fd.isValid())
		throw std::system_error(errno, std::generic_category(), "cannot make a socket");
	return fd;
}

sockaddr_un addressOf(const std::string &path)
{
	sockaddr_un address{};
	address.sun_family = AF_UNIX;
	if (path.empty() || path.size() >= sizeof(address.sun_path))
		throw std::invalid_argument(
			std::format("a socket path has 1 to {} bytes, '{}' has {}",
				    sizeof(address.sun_path) - 1, path, path.size()));
	std::memcpy(address.sun_path, path.c_str(), path.size());

	return address;
}

} /* namespace */

UnixListener::UnixListener(const std::string &path)
	: fd_(streamSocket()), path_(fd_.get(), addressOf(path))
{
	if (listen(fd_.get(), 1))
		throw std::system_error(errno, std::generic_category(), "cannot listen at " + path);
}

UniqueFd UnixListener::accept()
{
	return UniqueFd(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

} /* namespace cmacam::board */
