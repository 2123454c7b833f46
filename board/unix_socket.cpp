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
	return UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

bool someoneListens(const sockaddr_un &address)
{
	const UniqueFd probe = streamSocket();
	return connect(probe.get(), reinterpret_cast<const sockaddr *>(&address),
		       sizeof(address)) == 0;
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

	const auto bindNow = [&] {
		return bind(fd_.get(), reinterpret_cast<const sockaddr *>(&address),
			    sizeof(address));
	};

	/* A board that was killed leaves its socket behind. */
	int error = bindNow() ? errno : 0;
	if (error == EADDRINUSE && !someoneListens(address) && errno == ECONNREFUSED) {
		unlink(path.c_str());
		error = bindNow() ? errno : 0;
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
