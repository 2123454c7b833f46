/* SPDX-License-Identifier: MIT */
/*
 * Configuration space of the board's PCI function.
 */
#include "vfio_user/pci_config.h"

#include <cmacam-regs.h>
#include <linux/pci_regs.h>

namespace cmacam::board::vfio_user {

namespace {

constexpr uint32_t kClassMultimediaOther = 0x048000;
constexpr uint32_t kRevision = 1;

/* Bits above the BAR's size can be written, the others read as the type, 0. */
constexpr uint32_t kBarMask = ~(CMACAM_BAR_SIZE - 1);

constexpr std::size_t kCapPm = 0x40;
constexpr std::size_t kCapMsix = 0x50;

} /* namespace */

PciConfig::PciConfig(uint16_t device)
{
	set(PCI_VENDOR_ID, 2, CMACAM_PCI_VENDOR);
	set(PCI_DEVICE_ID, 2, device);
	set(PCI_COMMAND, 2, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
	set(PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	set(PCI_CLASS_REVISION, 4, kClassMultimediaOther << 8 | kRevision);
	set(PCI_CACHE_LINE_SIZE, 1, 0, 0xff);
	set(PCI_LATENCY_TIMER, 1, 0, 0xff);
	set(PCI_BASE_ADDRESS_0 + 4 * CMACAM_BAR_REGS, 4, 0, kBarMask);
	set(PCI_BASE_ADDRESS_0 + 4 * CMACAM_BAR_MSIX, 4, 0, kBarMask);
	set(PCI_SUBSYSTEM_VENDOR_ID, 2, CMACAM_PCI_VENDOR);
	set(PCI_SUBSYSTEM_ID, 2, device);
	set(PCI_INTERRUPT_LINE, 1, 0, 0xff);
	addCapabilities();
}

void PciConfig::addCapabilities()
{
	set(PCI_CAPABILITY_LIST, 1, kCapPm);

	/* Registers survive D3hot, so that a driver need not restore them. */
	set(kCapPm + PCI_CAP_LIST_ID, 1, PCI_CAP_ID_PM);
	set(kCapPm + PCI_CAP_LIST_NEXT, 1, kCapMsix);
	set(kCapPm + PCI_PM_PMC, 2, 3);
	set(kCapPm + PCI_PM_CTRL, 2, PCI_PM_CTRL_NO_SOFT_RESET, PCI_PM_CTRL_STATE_MASK);

	set(kCapMsix + PCI_CAP_LIST_ID, 1, PCI_CAP_ID_MSIX);
	set(kCapMsix + PCI_MSIX_FLAGS, 2, CMACAM_MSIX_VECTORS - 1,
	    PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	set(kCapMsix + PCI_MSIX_TABLE, 4, CMACAM_BAR_MSIX);
	set(kCapMsix + PCI_MSIX_PBA, 4, CMACAM_MSIX_PBA | CMACAM_BAR_MSIX);
}

void PciConfig::set(std::size_t offset, unsigned int bytes, uint32_t value, uint32_t writable)
{
	for (unsigned int i = 0; i < bytes; i++) {
		value_[offset + i] = static_cast<uint8_t>(value >> (8 * i));
		writable_[offset + i] = static_cast<uint8_t>(writable >> (8 * i));
	}
}

void PciConfig::read(std::size_t offset, std::span<std::byte> data) const
{
	for (std::size_t i = 0; i < data.size(); i++)
		data[i] = std::byte{value_[offset + i]};
}

void PciConfig::write(std::size_t offset, std::span<const std::byte> data)
{
	for (std::size_t i = 0; i < data.size(); i++) {
		const uint8_t mask = writable_[offset + i];
		uint8_t &value = value_[offset + i];
		value = static_cast<uint8_t>((value & ~mask) |
					     (std::to_integer<uint8_t>(data[i]) & mask));
	}
}

bool PciConfig::busMaster() const
{
	return value_[PCI_COMMAND] & PCI_COMMAND_MASTER;
}

} /* namespace cmacam::board::vfio_user */
