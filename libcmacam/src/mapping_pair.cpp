/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mapping of a buffer for reading, and one for writing when it is asked for.
 */

#include <cmacam/mapping_pair.h>

namespace cmacam {

Result<MappingPair> MappingPair::map(const FrameLayout &layout)
{
	Result<FrameMapping> reading = FrameMapping::map(layout);
	if (!reading)
		return reading.error();

	return MappingPair(*std::move(reading));
}

Result<const FrameMapping *> MappingPair::get(Access access)
{
	if (access == Access::Read)
		return &reading_;

	std::lock_guard lock(*mutex_);
	if (!writing_) {
		Result<FrameMapping> mapping =
			FrameMapping::map(reading_.layout(), Access::ReadWrite);
		if (!mapping)
			return mapping.error();
		writing_.emplace(*std::move(mapping));
	}

	return &*writing_;
}

} /* namespace cmacam */
