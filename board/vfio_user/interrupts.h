/* SPDX-License-Identifier: MIT */
/*
 * The MSI-X vectors. Each vector is an eventfd that the client provides.
 */
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "unique_fd.h"

namespace cmacam::board::vfio_user {

class Interrupts
{
public:
	explicit Interrupts(std::size_t vectors) : vectors_(vectors) {}

	std::size_t count() const { return vectors_.size(); }

	/* Sets the eventfd of a vector. An invalid descriptor switches the vector off. */
	void set(std::size_t vector, UniqueFd eventfd);
	/* Switches all vectors off. */
	void clear();

	/* Signals the eventfd of a vector. If the vector is off, the function does nothing. */
	void trigger(std::size_t vector);

private:
	/* Guards vectors_, because the engine's thread and the server's thread use the vectors. */
	std::mutex mutex_;
	std::vector<UniqueFd> vectors_;
};

} /* namespace cmacam::board::vfio_user */
