/* SPDX-License-Identifier: MIT */
/*
 * The output of the people detector: one line per frame and a summary.
 */

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "page_frames.h"

/* Values of a frame that a test compares with the board's log. */
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
 * Returns the report as one line: "frame key=value ...", or a JSON object if `json` is true. The
 * key phys has the physical address of the luma plane. The key phys is missing if the report has
 * no proof, or if the luma plane is not contiguous in physical memory.
 */
std::string line(const FrameReport &report, bool json);

/* Counts delivered frames, lost frames and people, and measures the frame rate. */
class Statistics
{
public:
	/* Counts a delivered frame, and the frames that were lost before this frame. */
	void delivered(unsigned int sequence);
	/* Counts a frame that the detector has examined. */
	void lookedAt(std::size_t people);

	/* Returns one line: "summary key=value ...", or a JSON object if `json` is true. */
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
