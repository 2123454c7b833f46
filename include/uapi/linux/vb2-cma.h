/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/vb2-cma: cache maintenance for a part of a dma-buf of vb2-cma.
 *
 * DMA_BUF_IOCTL_SYNC always does cache maintenance for the whole buffer.
 * VB2_CMA_IOC_SYNC is for algorithms that read only a part of a frame. This
 * ioctl does cache maintenance only for that part, so it takes less time.
 */
#ifndef _UAPI_LINUX_VB2_CMA_H
#define _UAPI_LINUX_VB2_CMA_H

#include <linux/dma-buf.h>
#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct vb2_cma_sync - CPU access to a rectangle of a dma-buf
 * @fd: file descriptor of the dma-buf
 * @flags: DMA_BUF_SYNC_START or DMA_BUF_SYNC_END, combined with
 *	DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE or both
 * @offset: bytes from the start of the dma-buf to the first line
 * @stride: bytes from the start of a line to the start of the next line, at
 *	least @line_bytes
 * @line_bytes: number of bytes of each line; not zero
 * @lines: number of lines; not zero
 * @reserved: zero
 *
 * The rectangle is extended to whole cache lines. Between START and END, the
 * CPU sees the bytes that the device wrote inside the rectangle. Outside the
 * rectangle, the CPU may see older bytes. Each START needs an END. Pairs of
 * START and END may be nested. Pairs of this ioctl and pairs of
 * DMA_BUF_IOCTL_SYNC may be nested in each other.
 *
 * A START with DMA_BUF_SYNC_WRITE does cache maintenance for the whole buffer.
 * Otherwise, a cache line that the CPU writes could contain stale bytes next to
 * the written bytes. The write-back of such a cache line would overwrite bytes
 * that the device has written.
 */
struct vb2_cma_sync {
	__s32 fd;
	__u32 flags;
	__u64 offset;
	__u32 stride;
	__u32 line_bytes;
	__u32 lines;
	__u32 reserved;
};

/**
 * define VB2_CMA_IOC_SYNC - begin or end CPU access to a part of a dma-buf
 *
 * The argument is a &struct vb2_cma_sync. Errors:
 *
 * - EBADF: the file descriptor is not open
 * - EINVAL: the file descriptor is not a dma-buf; a flag is unknown; neither
 *   DMA_BUF_SYNC_READ nor DMA_BUF_SYNC_WRITE is set; @line_bytes or @lines is
 *   zero; @stride is less than @line_bytes; or @reserved is not zero
 * - ERANGE: the rectangle extends beyond the dma-buf
 * - EOPNOTSUPP: the dma-buf belongs to another exporter; use DMA_BUF_IOCTL_SYNC
 * - EINTR: a signal arrived while the call waited for the fences of the dma-buf
 */
#define VB2_CMA_IOC_SYNC	_IOW(0xca, 0x40, struct vb2_cma_sync)

#endif
