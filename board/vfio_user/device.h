/* SPDX-License-Identifier: MIT */
/*
 * What the vfio-user server needs from the device that it serves.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cmacam::board::vfio_user {

class Device
{
public:
	virtual ~Device() = default;

	/* In bytes; 0 for a region that the device does not have. */
	virtual uint64_t regionSize(uint32_t region) const = 0;

	/* The server has checked that the access lies within the region. */
	virtual void readRegion(uint32_t region, uint64_t offset, std::span<std::byte> data) = 0;
	virtual void writeRegion(uint32_t region, uint64_t offset,
				 std::span<const std::byte> data) = 0;

	/* Returns when the device is idle and in its reset state. */
	virtual void reset() = 0;
};

} /* namespace cmacam::board::vfio_user */
