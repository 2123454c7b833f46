/* SPDX-License-Identifier: MIT */
/*
 * The hardware behind the board's PCI function: registers for the driver, and settings
 * for the operator.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cmacam::board {

class Hardware
{
public:
	virtual ~Hardware() = default;

	/* Returns the device ID of the PCI function. */
	virtual uint16_t pciDevice() const = 0;

	/* Read or write one 32-bit register. `offset` is in bytes and is a multiple of 4. */
	virtual uint32_t read(uint32_t offset) = 0;
	virtual void write(uint32_t offset, uint32_t value) = 0;

	/* Resets the board. Waits until no DMA is in progress and all registers are reset. */
	virtual void reset() = 0;

	/* Changes a setting. Returns nothing on success, and the error as a sentence on failure. */
	virtual std::optional<std::string> set(std::string_view key, std::string_view value) = 0;
	/* Returns the value of the setting `key`. Returns nothing if there is no such setting. */
	virtual std::optional<std::string> get(std::string_view key) = 0;
	/*
	 * Injects a fault `count` times, for example into each of the next `count` frames of a
	 * channel. docs/registers.md lists the faults. A count of 0 ends the fault. Returns
	 * nothing on success, and the error as a sentence on failure.
	 */
	virtual std::optional<std::string> fault(std::string_view kind, uint32_t count,
						 uint32_t channel) = 0;
};

} /* namespace cmacam::board */
