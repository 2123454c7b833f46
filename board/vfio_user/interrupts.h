/* SPDX-License-Identifier: MIT */
/*
 * The MSI-X vectors: one eventfd each, given by the client.
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

	/* An invalid descriptor switches the vector off. */
	void set(std::size_t vector, UniqueFd eventfd);
	void clear();

	/* Does nothing while the vector is off, as a masked function would. */
	void trigger(std::size_t vector);

private:
	/* The frame thread triggers while the client replaces descriptors. */
	std::mutex mutex_;
	std::vector<UniqueFd> vectors_;
};

} /* namespace cmacam::board::vfio_user */
