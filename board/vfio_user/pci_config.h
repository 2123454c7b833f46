/* SPDX-License-Identifier: MIT */
/*
 * Configuration space of the board's PCI function.
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

	PciConfig();

	/* The caller has checked that the access lies within kSize. */
	void read(std::size_t offset, std::span<std::byte> data) const;
	void write(std::size_t offset, std::span<const std::byte> data);

	bool busMaster() const;

private:
	void set(std::size_t offset, unsigned int bytes, uint32_t value, uint32_t writable = 0);
	void addCapabilities();

	std::array<uint8_t, kSize> value_{};
	std::array<uint8_t, kSize> writable_{}; /* bit set: software may change it */
};

} /* namespace cmacam::board::vfio_user */
