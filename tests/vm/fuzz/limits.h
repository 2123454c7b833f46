/* SPDX-License-Identifier: MIT */
/* Limits that keep the fuzzer from using up the machine. */
#pragma once

#include <cstddef>
#include <cstdint>

namespace fuzz {

constexpr size_t kPage = 4096;

constexpr uint32_t kMaxProcesses = 16;

/* What each process has open. */
constexpr uint32_t kMaxDescriptors = 256;
constexpr size_t kMaxNodeFiles = 16;
constexpr size_t kMaxDmaBufs = 24;
constexpr size_t kMaxSyncFiles = 4;

/* The address space for the mappings of each process. Each slot has room for one mapping. */
constexpr size_t kSlots = 24;
constexpr size_t kSlotBytes = 16 << 20;

/*
 * Sizes of buffers. Sizes between the two limits are not requested: the kernel moves most of the
 * machine's memory about before it refuses them. It refuses larger sizes at once.
 */
constexpr uint32_t kMaxBufferBytes = 4 << 20;
constexpr uint32_t kHopelessBytes = 0xc0000000;
/* The metadata node allocates with vmalloc(), which warns of hopeless sizes. */
constexpr uint32_t kMaxRecordBytes = 1 << 20;
/*
 * Sizes of frames. Each process may hold kMaxDmaBufs of them, and each queue has up to 32 buffers.
 */
constexpr uint32_t kMaxPixels = 1280 * 720;
constexpr uint32_t kMaxLineBytes = 16384;
constexpr uint32_t kMaxBuffers = 8;

/* Bytes that one call copies or splices, and the size of the file for copies. */
constexpr size_t kMaxTransfer = 256 << 10;
constexpr size_t kFileBytes = 1 << 20;

/* A process calls alarm() once in this number of calls. */
constexpr uint64_t kBatchCalls = 64;
/* All mappings of a process are removed once in this number of calls. */
constexpr uint64_t kMappingCalls = 4096;
/* The fuzzer gives up when this number of processes has died. */
constexpr uint32_t kMaxDeaths = 100;

} /* namespace fuzz */
