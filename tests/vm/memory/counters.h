/* SPDX-License-Identifier: MIT */
/* The numbers that vb2-cma shows about its buffers in debugfs. */
#pragma once

#include <algorithm>

#include "common.h"

constexpr const char *kDebugfs = "/sys/kernel/debug/vb2-cma/";

/* Freed buffers whose memory still has references to its pages. */
struct Parked
{
	uint64_t bytes;
	uint64_t buffers;
};

inline Parked parked()
{
	const std::string text = contents(std::string(kDebugfs) + "parked");
	return {word(text, "bytes").value(), word(text, "buffers").value()};
}

/* The lines of `buffers` in debugfs, one for each live buffer. */
inline std::vector<std::string> liveBuffers()
{
	std::vector<std::string> lines;
	std::istringstream text(contents(std::string(kDebugfs) + "buffers"));
	for (std::string line; std::getline(text, line);)
		if (word(line, "id"))
			lines.push_back(line);
	return lines;
}

/* Number of mappings of all buffers, in user space and in the kernel. */
inline uint64_t liveMappings()
{
	uint64_t sum = 0;
	for (const std::string &line : liveBuffers())
		sum += word(line, "maps").value();
	return sum;
}

/* Expects that all buffers are freed within 10 seconds, including parked memory. */
inline void expectNothingHeld()
{
	EXPECT_TRUE(within(10, [] { return liveBuffers().empty() && parked().bytes == 0; }))
		<< contents(std::string(kDebugfs) + "buffers")
		<< contents(std::string(kDebugfs) + "parked");
}
