/* SPDX-License-Identifier: MIT */
/*
 * A fixture that captures frames into memory, and finds the bytes that the
 * board wrote.
 */
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "machine.h"

namespace cmacam::board {

inline constexpr uint8_t kUntouched = 0xa5;

class FrameTest : public testing::Test
{
protected:
	FrameTest()
	{
		std::ranges::fill(m.at(Machine::buffer(0), 0x60000), kUntouched);
		m.configure();
	}

	std::optional<cmacam_completion> frameAt(uint64_t address)
	{
		m.commit(address);
		m.enable();
		return m.next();
	}
	bool untouched(uint64_t address, std::size_t size)
	{
		return std::ranges::all_of(m.at(address, size),
					   [](uint8_t byte) { return byte == kUntouched; });
	}
	/*
	 * Number of bytes from `address` to the last byte that is not kUntouched. The
	 * picture has few bytes with that value.
	 */
	std::size_t written(uint64_t address)
	{
		const auto bytes = m.at(address, 0x10000);
		const auto last = std::find_if(bytes.rbegin(), bytes.rend(),
					       [](uint8_t byte) { return byte != kUntouched; });
		return static_cast<std::size_t>(bytes.rend() - last);
	}
	/*
	 * Number of cache lines in the first buffer that have this sequence number at the
	 * offset for it (mark mode `lines`).
	 */
	std::size_t stamped(std::size_t bytes, uint32_t sequence)
	{
		const auto frame = m.at(Machine::buffer(0), bytes);
		std::size_t lines = 0;
		for (std::size_t i = CMACAM_MARK_LINE_SEQUENCE; i + sizeof(sequence) <= bytes;
		     i += CMACAM_MARK_LINE)
			lines += std::memcmp(&frame[i], &sequence, sizeof(sequence)) == 0;
		return lines;
	}
	std::size_t logged(const std::string &line)
	{
		const auto lines = m.log();
		return static_cast<std::size_t>(std::ranges::count(lines, line));
	}

	Machine m;
};

} /* namespace cmacam::board */
