/* SPDX-License-Identifier: MIT */
/*
 * The MSI-X vectors: one eventfd each, given by the client.
 */
#include "vfio_user/interrupts.h"

#include <utility>

#include <sys/eventfd.h>

namespace cmacam::board::vfio_user {

void Interrupts::set(std::size_t vector, UniqueFd eventfd)
{
	std::lock_guard lock(mutex_);
	vectors_[vector] = std::move(eventfd);
}

void Interrupts::clear()
{
	std::lock_guard lock(mutex_);
	for (UniqueFd &vector : vectors_)
		vector.reset();
}

void Interrupts::trigger(std::size_t vector)
{
	std::lock_guard lock(mutex_);
	if (vectors_[vector].isValid())
		eventfd_write(vectors_[vector].get(), 1);
}

} /* namespace cmacam::board::vfio_user */
