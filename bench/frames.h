/* SPDX-License-Identifier: MIT */
/* Common code of the consumers that ./dev bench frames measures. */
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <string_view>

#include "support/fd.h"

namespace bench {

/* Adds up all whole 64-bit words, so that the CPU reads the bytes at little cost. */
inline uint64_t sumOf(std::span<const std::byte> bytes)
{
	uint64_t sum = 0;
#pragma GCC unroll 8
	for (size_t i = 0; i + sizeof(sum) <= bytes.size(); i += sizeof(sum)) {
		uint64_t word;
		memcpy(&word, &bytes[i], sizeof(word));
		sum += word;
	}
	return sum;
}

/* Writes a mark to the kernel's trace for each frame that arrives. */
class Marker
{
public:
	/* path: path of a trace_marker in tracefs. If the path is empty, no marks are written. */
	explicit Marker(const std::string &path)
	{
		if (!path.empty())
			fd_ = support::Fd::open(path, O_WRONLY);
	}

	bool wanted() const { return fd_.isValid(); }

	/* If marks are wanted, writes the mark of one frame. */
	void frame() const
	{
		static constexpr std::string_view text = "bench frame\n";
		if (wanted() && write(fd_, text.data(), text.size()) < 0)
			support::fail("trace_marker");
	}

private:
	support::Fd fd_;
};

/*
 * Does the work of main() in a consumer. A successful consumer runs until it is killed.
 * Therefore parseAndRun() returns or throws only on failure.
 */
inline int mainOf(const char *program, int (*parseAndRun)(int, char **), int argc, char **argv)
{
	try {
		return parseAndRun(argc, argv);
	} catch (const std::exception &error) {
		fprintf(stderr, "%s: %s\n", program, error.what());
		return EXIT_FAILURE;
	}
}

} /* namespace bench */
