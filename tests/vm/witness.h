/* SPDX-License-Identifier: MIT */
/*
 * What a test can prove about a frame in memory: the physical pages behind
 * its mapping, the marks that the board wrote into it, and its digest.
 */
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <glib.h>
#include <optional>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

#include "cmacam-regs.h"

namespace witness {

/*
 * Physical address of a mapping of this process (needs root), or nothing if
 * any of its pages is missing or they are not contiguous. Bits of a pagemap
 * entry: Documentation/admin-guide/mm/pagemap.rst.
 */
inline std::optional<uint64_t> physicalAddress(std::span<const std::byte> mapping)
{
	const long page = sysconf(_SC_PAGESIZE);
	const auto begin = reinterpret_cast<uintptr_t>(mapping.data());
	const size_t pages = (begin % page + mapping.size() + page - 1) / page;
	std::vector<uint64_t> entries(pages);

	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return std::nullopt;
	const size_t bytes = pages * sizeof(uint64_t);
	const ssize_t got = pread(fd, entries.data(), bytes, begin / page * sizeof(uint64_t));
	close(fd);
	if (got != static_cast<ssize_t>(bytes))
		return std::nullopt;

	constexpr uint64_t present = 1ULL << 63;
	constexpr uint64_t frameMask = (1ULL << 55) - 1;
	for (size_t i = 0; i < pages; i++) {
		if (!(entries[i] & present) ||
		    (entries[i] & frameMask) != (entries[0] & frameMask) + i)
			return std::nullopt;
	}
	return (entries[0] & frameMask) * page + begin % page;
}

inline std::optional<cmacam_mark> readMark(std::span<const std::byte> frame)
{
	cmacam_mark mark;
	if (frame.size() < sizeof(mark))
		return std::nullopt;
	memcpy(&mark, frame.data(), sizeof(mark));
	if (mark.magic != CMACAM_MARK_MAGIC)
		return std::nullopt;
	return mark;
}

/*
 * How many lines of a frame have a stamp (mark mode `lines`), and how many a
 * wrong one. A part of a frame says where in a line it begins; only stamps that
 * lie within it count.
 */
struct Lines
{
	size_t all = 0;
	size_t stale = 0;
};

inline Lines countLines(std::span<const std::byte> part, uint32_t sequence, size_t begin = 0)
{
	Lines lines;
	const size_t first =
		CMACAM_MARK_LINE + CMACAM_MARK_LINE_SEQUENCE - begin % CMACAM_MARK_LINE;
	for (size_t i = first % CMACAM_MARK_LINE; i + sizeof(sequence) <= part.size();
	     i += CMACAM_MARK_LINE) {
		lines.all++;
		lines.stale += memcmp(&part[i], &sequence, sizeof(sequence)) != 0;
	}
	return lines;
}

inline std::string sha256(std::span<const std::byte> frame)
{
	gchar *sum = g_compute_checksum_for_data(
		G_CHECKSUM_SHA256, reinterpret_cast<const guchar *>(frame.data()), frame.size());
	std::string text = sum;
	g_free(sum);
	return text;
}

/* Print " phys=... mark_seq=... ..." to the line of a frame. */
inline void printEvidence(std::span<const std::byte> mapping, std::span<const std::byte> frame,
			  bool digest)
{
	if (auto address = physicalAddress(mapping))
		printf(" phys=0x%" PRIx64, *address);
	if (auto mark = readMark(frame))
		printf(" mark_seq=%" PRIu32 " nonce=0x%016" PRIx64 " mark_exposure=%" PRIu32
		       " mark_gain=%" PRIu32 " mark_pattern=%" PRIu32,
		       mark->sequence, static_cast<uint64_t>(mark->nonce), mark->exposure,
		       mark->gain, mark->pattern);
	if (digest)
		printf(" sha256=%s", sha256(frame).c_str());
}

} /* namespace witness */
