/* SPDX-License-Identifier: MIT */
/* What the consumers of ./dev bench frames share. */
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

/* Reads every byte, eight at a time, as code that cares does. */
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

/* Tells the kernel's trace that a frame has arrived, if anybody wants to know. */
class Marker
{
public:
	/* path: a trace_marker of tracefs; empty: nobody does. */
	explicit Marker(const std::string &path)
	{
		if (!path.empty())
			fd_ = support::Fd::open(path, O_WRONLY);
	}

	bool wanted() const { return fd_.isValid(); }

	void frame() const
	{
		static constexpr std::string_view text = "bench frame\n";
		if (wanted() && write(fd_, text.data(), text.size()) < 0)
			support::fail("trace_marker");
	}

private:
	support::Fd fd_;
};

/* What main() of each of them is: parseAndRun() never ends well, it is killed. */
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
