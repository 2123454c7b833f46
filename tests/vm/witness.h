/* SPDX-License-Identifier: MIT */
/*
 * Facts about a frame in memory that a test can check: the physical pages of its
 * mapping, the marks that the board wrote into the frame, and its digest.
 */
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <glib.h>
#include <optional>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

#include "cmacam-regs.h"
#include "support/fd.h"

namespace witness {

/*
 * The page frame number of each page of a mapping of this process, or 0 for a
 * page that is not present. The function needs root. The kernel's
 * Documentation/admin-guide/mm/pagemap.rst defines the bits of a pagemap entry.
 */
inline std::vector<uint64_t> pageFrames(std::span<const std::byte> mapping)
{
	constexpr uint64_t present = 1ULL << 63;
	constexpr uint64_t frameMask = (1ULL << 55) - 1;
	const long page = sysconf(_SC_PAGESIZE);
	const auto begin = reinterpret_cast<uintptr_t>(mapping.data());
	std::vector<uint64_t> entries((begin % page + mapping.size() + page - 1) / page);

	const auto file = support::Fd::open("/proc/self/pagemap", O_RDONLY);
	const size_t bytes = entries.size() * sizeof(uint64_t);
	if (pread(file, entries.data(), bytes, begin / page * sizeof(uint64_t)) != ssize_t(bytes))
		support::fail("pagemap");
	for (uint64_t &entry : entries)
		entry = entry & present ? entry & frameMask : 0;
	return entries;
}

/*
 * The physical address of a mapping of this process. Returns nothing if a page
 * is not present, or if the pages are not contiguous.
 */
inline std::optional<uint64_t> physicalAddress(std::span<const std::byte> mapping)
{
	const long page = sysconf(_SC_PAGESIZE);
	const std::vector<uint64_t> frames = pageFrames(mapping);
	for (size_t i = 0; i < frames.size(); i++) {
		if (!frames[i] || frames[i] != frames[0] + i)
			return std::nullopt;
	}
	return frames[0] * page + reinterpret_cast<uintptr_t>(mapping.data()) % page;
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
 * The number of cache lines with a stamp of the board (mark mode `lines`), and the
 * number of these lines whose stamp is not that of the expected frame.
 */
struct Lines
{
	size_t all = 0;
	size_t stale = 0;
};

/*
 * Counts the lines in a part of a frame. `begin` is the offset of the part in the
 * frame. A stamp counts only if all of it lies within the part.
 */
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

/* Adds " phys=... mark_seq=... ..." to the printed line of a frame. */
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
