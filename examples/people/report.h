/* SPDX-License-Identifier: MIT */
/*
 * What the people detector tells about its frames, one line each.
 */

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "page_frames.h"

/* What a caller compares with the board's log. */
struct FrameProof
{
	PhysicalRange luma;
	std::string head; /* first bytes of the luma plane, hexadecimal */
};

struct FrameReport
{
	unsigned int sequence;
	std::int64_t timestamp; /* start of exposure, CLOCK_MONOTONIC, ns */
	std::size_t people;
	std::optional<FrameProof> proof;
};

/*
 * One line: "frame key=value ...", or a JSON object. phys, the physical start
 * of the luma plane, is there only if the whole plane is contiguous.
 */
std::string line(const FrameReport &report, bool json);

/* Counts what was delivered, what was lost and how fast. */
class Statistics
{
public:
	void delivered(unsigned int sequence);
	void lookedAt(std::size_t people);

	/* One line: "summary key=value ...", or a JSON object. */
	std::string line(bool json) const;

private:
	using Clock = std::chrono::steady_clock;

	unsigned int delivered_ = 0;
	unsigned int lookedAt_ = 0;
	unsigned int lost_ = 0;
	std::size_t people_ = 0;
	std::optional<unsigned int> last_;
	Clock::time_point first_;
	Clock::time_point latest_;
};
