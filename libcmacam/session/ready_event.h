/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ReadyEvent: a file descriptor that an event loop can wait for.
 */
#pragma once

#include <memory>
#include <utility>

#include <cmacam/dma_buf.h>
#include <cmacam/result.h>

namespace cmacam {

/*
 * The file descriptor is readable while the event is set (an eventfd). The class is
 * not thread-safe: the lock of its user guards set().
 */
class ReadyEvent
{
public:
	/** Makes an event that is not set. Errors: EMFILE, ENFILE, ENOMEM. */
	static Result<std::shared_ptr<ReadyEvent>> create();

	/** Makes an event of @fd, an eventfd that is not readable. */
	explicit ReadyEvent(UniqueFd fd) : fd_(std::move(fd)) {}

	/* The file descriptor, which lives as long as the event. */
	int fd() const { return fd_.get(); }
	/** Sets or clears the event. If nothing changes, there is no system call. */
	void set(bool ready);

private:
	UniqueFd fd_;
	bool ready_ = false;
};

} /* namespace cmacam */
