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

namespace cmacam {

namespace {

UniqueFd streamSocket()
{
	UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	if (!fd.isValid())
		throw std::system_error(errno, std::generic_category(), "cannot make a socket");
	return fd;
}

using SocketCall = int (*)(int, const sockaddr *, socklen_t);

/* 0 or an errno. */
int call(SocketCall function, const UniqueFd &fd, const sockaddr_un &address)
{
	const auto *generic = reinterpret_cast<const sockaddr *>(&address);
	return function(fd.get(), generic, sizeof(address)) ? errno : 0;
}

} /* namespace */

UnixListener::UnixListener(const std::string &path) : path_(path), fd_(streamSocket())
{
	sockaddr_un address{};
	address.sun_family = AF_UNIX;
	if (path.empty() || path.size() >= sizeof(address.sun_path))
		throw std::invalid_argument(
			std::format("a socket path has 1 to {} bytes, '{}' has {}",
				    sizeof(address.sun_path) - 1, path, path.size()));
	std::memcpy(address.sun_path, path.c_str(), path.size());

	/* A board that was killed leaves its socket behind: nobody answers there. */
	int error = call(bind, fd_, address);
	if (error == EADDRINUSE && call(connect, streamSocket(), address) == ECONNREFUSED) {
		unlink(path.c_str());
		error = call(bind, fd_, address);
	}

	if (!error && listen(fd_.get(), 1))
		error = errno;
	if (error)
		throw std::system_error(error, std::generic_category(),
					"cannot listen on '" + path + "'");
}

UnixListener::~UnixListener()
{
	unlink(path_.c_str());
}

UniqueFd UnixListener::accept()
{
	return UniqueFd(accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

} /* namespace cmacam */
