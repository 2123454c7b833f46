/* SPDX-License-Identifier: MIT */
/* The ioctls of a dma-buf and of a dma-heap. A call that fails throws. */
#pragma once

#include <cstdint>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>

#include "fd.h"

namespace support {

/* Allocates a dma-buf of `size` bytes from an open dma-heap. */
inline Fd allocateFromHeap(const Fd &heap, size_t size)
{
	dma_heap_allocation_data data{};
	data.len = size;
	data.fd_flags = O_RDWR | O_CLOEXEC;
	control(heap, DMA_HEAP_IOCTL_ALLOC, &data, "DMA_HEAP_IOCTL_ALLOC");
	return Fd(static_cast<int>(data.fd));
}

/*
 * Begins or ends CPU access. flags: DMA_BUF_SYNC_START or _END, and _READ, _WRITE or _RW.
 */
inline void sync(int dmaBuf, uint64_t flags)
{
	dma_buf_sync argument{flags};
	control(dmaBuf, DMA_BUF_IOCTL_SYNC, &argument, "DMA_BUF_IOCTL_SYNC");
}

} /* namespace support */
