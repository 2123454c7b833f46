/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/vb2-cma: cache maintenance for a part of a dma-buf of vb2-cma.
 *
 * DMA_BUF_IOCTL_SYNC always concerns the whole buffer. An algorithm that
 * looks at a tenth of a frame need not pay for the rest.
 */
#ifndef _UAPI_LINUX_VB2_CMA_H
#define _UAPI_LINUX_VB2_CMA_H

#include <linux/dma-buf.h>
#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct vb2_cma_sync - CPU access to a rectangle of a dma-buf
 * @fd: file descriptor of the dma-buf
 * @flags: DMA_BUF_SYNC_START or DMA_BUF_SYNC_END, with DMA_BUF_SYNC_READ,
 *	DMA_BUF_SYNC_WRITE or both
 * @offset: bytes from the start of the dma-buf to the first line
 * @stride: bytes from the start of a line to that of the next, at least
 *	@line_bytes
 * @line_bytes: bytes of each line; not zero
 * @lines: number of lines; not zero
 * @reserved: zero
 *
 * The rectangle is rounded out to cache lines. Between START and END the CPU
 * sees in the rectangle what the device wrote; outside of it the CPU may see
 * older pixels. START and END pair up and nest as those of DMA_BUF_IOCTL_SYNC
 * do, and may be mixed with them. A START with DMA_BUF_SYNC_WRITE concerns the
 * whole buffer, so that writes next to stale lines cannot lose a pixel.
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
 * - EINVAL: not a dma-buf, unknown flags, a shape that is zero or impossible,
 *   or a reserved field that is not zero
 * - ERANGE: the rectangle reaches beyond the dma-buf
 * - EOPNOTSUPP: a dma-buf of another exporter; use DMA_BUF_IOCTL_SYNC
 * - EINTR: a signal came while the call waited for the fences of the buffer
 */
#define VB2_CMA_IOC_SYNC	_IOW(0xca, 0x40, struct vb2_cma_sync)

#endif
