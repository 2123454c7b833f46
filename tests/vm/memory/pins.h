/* SPDX-License-Identifier: MIT */
/* Long-term pins that a program can take on its own memory. Each uses another kernel interface. */
#pragma once

#include <span>
#include <string>

#include "common.h"

/* A pin. If it succeeded, error is 0 and `held` keeps the pin. Otherwise error is the errno. */
struct Pin
{
	int error = 0;
	std::shared_ptr<void> held;
};

/* Pins with FOLL_LONGTERM | FOLL_WRITE: registered buffers of io_uring. */
Pin pinByUring(std::span<std::byte> bytes);

/* Pins with FOLL_LONGTERM | FOLL_WRITE: the memory of an AF_XDP socket. */
Pin pinByXdp(std::span<std::byte> bytes);

/*
 * Pins with V4L2_MEMORY_USERPTR on the nodes of vivid, which must be loaded.
 * Capture pins with FOLL_LONGTERM | FOLL_WRITE, and output with FOLL_LONGTERM
 * alone. Only output gives a program a long-term pin without FOLL_WRITE on
 * Debian's kernel without special hardware. io_uring and AF_XDP always request
 * write access. VFIO (VFIO_IOMMU_MAP_DMA without its WRITE flag) and RDMA can
 * also pin without FOLL_WRITE, but VFIO needs an IOMMU, and RDMA needs a network
 * card that supports RDMA.
 */
Pin pinByCapture(std::span<std::byte> bytes);
Pin pinByOutput(std::span<std::byte> bytes);
