/* SPDX-License-Identifier: MIT */
/*
 * The configuration space of the board's PCI function.
 */
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cmacam::board::vfio_user {

class PciConfig
{
public:
	static constexpr std::size_t kSize = 256;

	/* `device` is the device ID of the function. */
	explicit PciConfig(uint16_t device);

	/* Read or write bytes. The caller has checked that the range is within kSize. */
	void read(std::size_t offset, std::span<std::byte> data) const;
	void write(std::size_t offset, std::span<const std::byte> data);

	/* Whether the driver has switched bus mastering on. */
	bool busMaster() const;

private:
	void set(std::size_t offset, unsigned int bytes, uint32_t value, uint32_t writable = 0);
	void addCapabilities();

	std::array<uint8_t, kSize> value_{};
	std::array<uint8_t, kSize> writable_{}; /* bits of value_ that software may change */
};

} /* namespace cmacam::board::vfio_user */
