/* SPDX-License-Identifier: MIT */
/* Long-term pins that a program can take on its own memory, each by another part of the kernel. */
#pragma once

#include <span>
#include <string>

#include "common.h"

/* 0 and what holds the pin, or the error that refused it. */
struct Pin
{
	int error = 0;
	std::shared_ptr<void> held;
};

/* FOLL_LONGTERM | FOLL_WRITE: io_uring's registered buffers. */
Pin pinByUring(std::span<std::byte> bytes);

/* FOLL_LONGTERM | FOLL_WRITE: the memory of a socket of AF_XDP. */
Pin pinByXdp(std::span<std::byte> bytes);

/*
 * V4L2_MEMORY_USERPTR on vivid's nodes, which must be loaded: for capture,
 * FOLL_LONGTERM | FOLL_WRITE; for output, FOLL_LONGTERM alone. That is the
 * only long-term pin without FOLL_WRITE that a program gets from Debian's
 * kernel and no further hardware: io_uring and AF_XDP always ask for write
 * access, and VFIO (VFIO_IOMMU_MAP_DMA without its WRITE flag) and RDMA, which
 * take such pins too, need an IOMMU or a network card that does RDMA.
 */
Pin pinByCapture(std::span<std::byte> bytes);
Pin pinByOutput(std::span<std::byte> bytes);
