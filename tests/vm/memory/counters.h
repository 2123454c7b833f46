/* SPDX-License-Identifier: MIT */
/* What vb2-cma says about its buffers in debugfs. */
#pragma once

#include <algorithm>

#include "common.h"

constexpr const char *kDebugfs = "/sys/kernel/debug/vb2-cma/";

/* Buffers whose memory waits for the last user of a page. */
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

/* One line for each live buffer. */
inline std::vector<std::string> liveBuffers()
{
	std::vector<std::string> lines;
	std::istringstream text(contents(std::string(kDebugfs) + "buffers"));
	for (std::string line; std::getline(text, line);)
		if (word(line, "id"))
			lines.push_back(line);
	return lines;
}

/* Mappings of user space and of the kernel, of all buffers. */
inline uint64_t liveMappings()
{
	uint64_t sum = 0;
	for (const std::string &line : liveBuffers())
		sum += word(line, "maps").value();
	return sum;
}

/* Every buffer is freed: at once those that nobody refers to, and soon the parked ones. */
inline void expectNothingHeld()
{
	EXPECT_TRUE(within(10, [] { return liveBuffers().empty() && parked().bytes == 0; }))
		<< contents(std::string(kDebugfs) + "buffers")
		<< contents(std::string(kDebugfs) + "parked");
}
