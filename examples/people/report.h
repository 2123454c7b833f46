/* SPDX-License-Identifier: MIT */
/*
 * What the people detector tells about its frames, for people and for scripts.
 */

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "page_frames.h"

/* Proof material: what a caller compares with the board's log. */
struct FrameProof
{
	PhysicalRange luma;
	std::string head; /* first bytes of the luma plane, hexadecimal */
};

struct FrameReport
{
	unsigned int sequence;
	std::int64_t timestamp;
	std::size_t people;
	std::optional<FrameProof> proof;
};

/* Counts what was delivered, what was lost and how fast. */
class Statistics
{
public:
	void delivered(unsigned int sequence);
	void lookedAt(std::size_t people);

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

/* Column names of the tab-separated form. */
std::string header();

std::string line(const FrameReport &report, bool json);
