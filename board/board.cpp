/* SPDX-License-Identifier: MIT */
/*
 * The PCI function as the client sees it: configuration space and two BARs in
 * front of the hardware.
 */
#include "board.h"

#include <algorithm>
#include <cstring>

#include "vfio_user/protocol.h"

namespace cmacam::board {

uint64_t Board::regionSize(uint32_t region) const
{
	switch (region) {
	case vfio_user::kRegionBar0:
	case vfio_user::kRegionBar2:
		return CMACAM_BAR_SIZE;
	case vfio_user::kRegionConfig:
		return vfio_user::PciConfig::kSize;
	default:
		return 0;
	}
}

void Board::readRegion(uint32_t region, uint64_t offset, std::span<std::byte> data)
{
	switch (region) {
	case vfio_user::kRegionBar0:
		readRegisters(offset, data);
		break;
	case vfio_user::kRegionBar2:
		std::copy_n(msix_.begin() + static_cast<std::ptrdiff_t>(offset), data.size(),
			    data.begin());
		break;
	case vfio_user::kRegionConfig:
		config_.read(offset, data);
		break;
	default: /* of size 0: the server lets nothing through */
		break;
	}
}

void Board::writeRegion(uint32_t region, uint64_t offset, std::span<const std::byte> data)
{
	switch (region) {
	case vfio_user::kRegionBar0:
		writeRegisters(offset, data);
		break;
	case vfio_user::kRegionBar2:
		std::ranges::copy(data, msix_.begin() + static_cast<std::ptrdiff_t>(offset));
		break;
	case vfio_user::kRegionConfig:
		config_.write(offset, data);
		memory_.setMaster(config_.busMaster());
		break;
	default:
		break;
	}
}

/* Registers are 32 bits wide; the client splits or joins nothing for us. */
void Board::readRegisters(uint64_t offset, std::span<std::byte> data)
{
	std::ranges::fill(data, std::byte{0xff});
	if (offset % sizeof(uint32_t) || data.size() % sizeof(uint32_t))
		return;

	for (std::size_t i = 0; i < data.size(); i += sizeof(uint32_t)) {
		const uint32_t value = hardware_.read(static_cast<uint32_t>(offset + i));
		std::memcpy(&data[i], &value, sizeof(value));
	}
}

void Board::writeRegisters(uint64_t offset, std::span<const std::byte> data)
{
	if (offset % sizeof(uint32_t) || data.size() % sizeof(uint32_t))
		return;

	for (std::size_t i = 0; i < data.size(); i += sizeof(uint32_t)) {
		uint32_t value;
		std::memcpy(&value, &data[i], sizeof(value));
		hardware_.write(static_cast<uint32_t>(offset + i), value);
	}
}

void Board::reset()
{
	/* As a PCI reset does: no bus mastering, which also waits for DMA. */
	config_ = vfio_user::PciConfig(hardware_.pciDevice());
	memory_.setMaster(false);
	hardware_.reset();
	msix_ = {};
}

} /* namespace cmacam::board */
