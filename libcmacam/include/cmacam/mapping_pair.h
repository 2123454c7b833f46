/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mapping of a buffer for reading, and one for writing when it is asked for.
 */

#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include <cmacam/mapped_frame.h>

namespace cmacam {

/**
 * What a FrameSource keeps of each buffer: pixels are mapped read-only, and a
 * second time the first time that somebody wants to write.
 */
class MappingPair
{
public:
	/** \return The errors of FrameMapping::map() */
	static Result<MappingPair> map(const FrameLayout &layout);

	/**
	 * Any thread may call this. Not to be moved once it was called.
	 *
	 * \return The errors of FrameMapping::map() for the first to write
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
