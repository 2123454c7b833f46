/* SPDX-License-Identifier: MIT */
/*
 * The messages of the vfio-user protocol, version 0.1, that the board serves. The
 * specification is docs/interop/vfio-user.rst of QEMU.
 */
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace cmacam::board::vfio_user {

static_assert(std::endian::native == std::endian::little,
	      "messages and guest memory are accessed in host order");

inline constexpr uint16_t kVersionMajor = 0;
inline constexpr uint16_t kVersionMinor = 1;
inline constexpr std::size_t kMaxFds = 8;
inline constexpr std::size_t kMaxTransfer = 1 << 20;

enum class Command : uint16_t {
	Version = 1,
	DmaMap = 2,
	DmaUnmap = 3,
	GetInfo = 4,
	GetRegionInfo = 5,
	GetIrqInfo = 7,
	SetIrqs = 8,
	RegionRead = 9,
	RegionWrite = 10,
	Reset = 13,
};

enum HeaderFlags : uint32_t {
	kTypeMask = 0xf,
	kTypeRequest = 0x0,
	kTypeReply = 0x1,
	kNoReply = 0x10,
	kError = 0x20,
};

struct Header
{
	uint16_t id;
	uint16_t command;
	uint32_t size; /* bytes of the message, header included */
	uint32_t flags;
	uint32_t error;
};
static_assert(sizeof(Header) == 16);

struct VersionPayload
{
	uint16_t major;
	uint16_t minor;
};

enum DmaFlags : uint32_t {
	kDmaRead = 1,
	kDmaWrite = 2,
};

struct DmaMapPayload
{
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t address;
	uint64_t size;
};
static_assert(sizeof(DmaMapPayload) == 32);

inline constexpr uint32_t kUnmapAll = 2;

struct DmaUnmapPayload
{
	uint32_t argsz;
	uint32_t flags;
	uint64_t address;
	uint64_t size;
};
static_assert(sizeof(DmaUnmapPayload) == 24);

enum DeviceFlags : uint32_t {
	kDeviceReset = 1,
	kDevicePci = 2,
};

struct DeviceInfoPayload
{
	uint32_t argsz;
	uint32_t flags;
	uint32_t regions;
	uint32_t irqs;
};

enum RegionFlags : uint32_t {
	kRegionRead = 1,
	kRegionWrite = 2,
};

struct RegionInfoPayload
{
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t capOffset;
	uint64_t size;
	uint64_t offset;
};
static_assert(sizeof(RegionInfoPayload) == 32);

enum IrqInfoFlags : uint32_t {
	kIrqEventfd = 1,
	kIrqNoResize = 8,
};

struct IrqInfoPayload
{
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};

enum IrqSetFlags : uint32_t {
	kIrqDataNone = 1,
	kIrqDataBool = 2,
	kIrqDataEventfd = 4,
	kIrqActionMask = 8,
	kIrqActionUnmask = 16,
	kIrqActionTrigger = 32,
};

struct IrqSetPayload
{
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
};
static_assert(sizeof(IrqSetPayload) == 20);

struct RegionAccessPayload
{
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};
static_assert(sizeof(RegionAccessPayload) == 16);

inline constexpr std::size_t kMaxMessage =
	sizeof(Header) + sizeof(RegionAccessPayload) + kMaxTransfer;

/* The indices that VFIO defines for the regions and interrupts of a PCI device. */
enum Region : uint32_t {
	kRegionBar0 = 0,
	kRegionBar2 = 2,
	kRegionConfig = 7,
	kRegionCount = 9,
};

enum IrqIndex : uint32_t {
	kIrqMsix = 2,
	kIrqError = 3,
	kIrqCount = 5,
};

} /* namespace cmacam::board::vfio_user */
