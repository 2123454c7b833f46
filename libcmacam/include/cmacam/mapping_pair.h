/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * The two mappings of a buffer: one for reading, and one for writing.
 */

#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include <cmacam/mapped_frame.h>

namespace cmacam {

/**
 * The two mappings of one buffer, which a FrameSource keeps.
 *
 * map() maps the pixels for reading. The first call of get() for writing maps the
 * pixels a second time.
 */
class MappingPair
{
public:
	/**
	 * Map a buffer for reading.
	 *
	 * \param[in] layout Where the planes are
	 *
	 * \return The mappings; the errors of FrameMapping::map()
	 */
	static Result<MappingPair> map(const FrameLayout &layout);

	/**
	 * Get a mapping. Any thread may call this function. The object must not be moved
	 * after the first call of get().
	 *
	 * \param[in] access How the CPU uses the pixels
	 *
	 * \return The mapping, which this object owns; for the first call with
	 * Access::ReadWrite also the errors of FrameMapping::map()
	 */
	Result<const FrameMapping *> get(Access access);

private:
	explicit MappingPair(FrameMapping reading)
		: reading_(std::move(reading)), mutex_(std::make_unique<std::mutex>())
	{
	}

	FrameMapping reading_;
	std::unique_ptr<std::mutex> mutex_;
	std::optional<FrameMapping> writing_;
};

} /* namespace cmacam */
