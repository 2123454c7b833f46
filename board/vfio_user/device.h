/* SPDX-License-Identifier: MIT */
/*
 * The interface of the device that a vfio-user server serves.
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

	/* Returns the size of a region in bytes. A region that does not exist has the size 0. */
	virtual uint64_t regionSize(uint32_t region) const = 0;

	/* Read or write a region. The server has checked that the range is in the region. */
	virtual void readRegion(uint32_t region, uint64_t offset, std::span<std::byte> data) = 0;
	virtual void writeRegion(uint32_t region, uint64_t offset,
				 std::span<const std::byte> data) = 0;

	/* Resets the device. Returns when the device is idle and in its reset state. */
	virtual void reset() = 0;
};

} /* namespace cmacam::board::vfio_user */
