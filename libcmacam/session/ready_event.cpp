/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ReadyEvent: a file descriptor that an event loop can wait for.
 */
#include "ready_event.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/eventfd.h>
#include <utility>

namespace cmacam {

Result<std::shared_ptr<ReadyEvent>> ReadyEvent::create()
{
	UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (!fd.isValid()) {
		const int code = errno;
		return Error{code, std::string("cannot make an eventfd: ") + strerror(code)};
	}

	return std::make_shared<ReadyEvent>(std::move(fd));
}

/* Neither call can fail: the counter is 0 or 1, and only set() changes it. */
void ReadyEvent::set(bool ready)
{
	if (ready == std::exchange(ready_, ready))
		return;

	eventfd_t count = 1;
	if (ready)
		static_cast<void>(eventfd_write(fd_.get(), count));
	else
		static_cast<void>(eventfd_read(fd_.get(), &count));
}

} /* namespace cmacam */
