/* SPDX-License-Identifier: MIT */
/*
 * The board's log: one line per event, written to the file before the call returns.
 */
#include "log.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>

namespace cmacam::board {

Log::Log(const std::string &path)
	: fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644))
{
	if (!fd_.isValid())
		throw std::system_error(errno, std::generic_category(),
					"cannot write the log '" + path + "'");
}

void Log::write(std::string_view line)
{
	if (!fd_.isValid())
		return;

	std::lock_guard lock(mutex_);
	buffer_.assign(line);
	buffer_ += '\n';

	/* A full disk must not stop the camera: the line is lost then. */
	std::string_view rest = buffer_;
	while (!rest.empty()) {
		const ssize_t written = ::write(fd_.get(), rest.data(), rest.size());
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		rest.remove_prefix(static_cast<std::size_t>(written));
	}
}

} /* namespace cmacam::board */
