/* SPDX-License-Identifier: MIT */
/*
 * The PCI function that the board offers to the vfio-user client. The function has a
 * configuration space, a BAR with the registers of the hardware, and a BAR with the MSI-X
 * table.
 */
#pragma once

#include <array>
#include <cstddef>

#include <cmacam-regs.h>

#include "hardware.h"
#include "vfio_user/device.h"
#include "vfio_user/guest_memory.h"
#include "vfio_user/pci_config.h"

namespace cmacam::board {

class Board : public vfio_user::Device
{
public:
	/* The hardware and the memory must outlive the board. */
	Board(Hardware &hardware, vfio_user::GuestMemory &memory)
		: hardware_(hardware), memory_(memory), config_(hardware.pciDevice())
	{
	}

	uint64_t regionSize(uint32_t region) const override;
	void readRegion(uint32_t region, uint64_t offset, std::span<std::byte> data) override;
	void writeRegion(uint32_t region, uint64_t offset,
			 std::span<const std::byte> data) override;
	void reset() override;

private:
	void readRegisters(uint64_t offset, std::span<std::byte> data);
	void writeRegisters(uint64_t offset, std::span<const std::byte> data);

	Hardware &hardware_;
	vfio_user::GuestMemory &memory_;
	vfio_user::PciConfig config_;
	/*
	 * Contents of the MSI-X BAR. The board does not use these bytes, because the vfio-user
	 * client has its own vector table. The client can only read back the bytes that it wrote.
	 */
	std::array<std::byte, CMACAM_BAR_SIZE> msix_{};
};

} /* namespace cmacam::board */
