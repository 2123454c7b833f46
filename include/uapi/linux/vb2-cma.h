/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/vb2-cma: cache maintenance for a part of a dma-buf of vb2-cma, and
 * dma-bufs for processes that may only read.
 *
 * DMA_BUF_IOCTL_SYNC always does cache maintenance for the whole buffer.
 * VB2_CMA_IOC_SYNC is for algorithms that read only a part of a frame. This
 * ioctl does cache maintenance only for that part, so it takes less time.
 *
 * VB2_CMA_IOC_READER is for a process that gives its frames to other processes.
 * It makes a second dma-buf of a buffer. By this dma-buf, nobody can write to
 * the buffer.
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
 * - EACCES: DMA_BUF_SYNC_WRITE is set, and the dma-buf was made by
 *   VB2_CMA_IOC_READER
 * - EINTR: a signal arrived while the call waited for the fences of the dma-buf
 */
#define VB2_CMA_IOC_SYNC	_IOW(0xca, 0x40, struct vb2_cma_sync)

/**
 * struct vb2_cma_reader - request for a dma-buf to read a buffer
 * @fd: file descriptor of a dma-buf of the buffer
 * @flags: zero
 */
struct vb2_cma_reader {
	__s32 fd;
	__u32 flags;
};

/**
 * define VB2_CMA_IOC_READER - make a dma-buf to read a buffer
 *
 * The argument is a &struct vb2_cma_reader. The call returns the file
 * descriptor of the new dma-buf, which is open to read only and closed on exec.
 * The memory is that of the buffer, and lives as long as the new dma-buf. These
 * uses of the new dma-buf fail with EACCES:
 *
 * - mmap() with PROT_WRITE, and mprotect() with PROT_WRITE of a mapping
 * - DMA_BUF_IOCTL_SYNC and VB2_CMA_IOC_SYNC with DMA_BUF_SYNC_WRITE
 * - an import by a device that may write: a capture node of V4L2, or a GPU,
 *   whose drivers do not say that they only read. An import by an output node
 *   of V4L2, such as that of an encoder, works
 *
 * Its kernel mappings are refused as well. The new dma-buf has fences of its
 * own, for which no device that writes to the buffer waits. Errors:
 *
 * - EBADF: the file descriptor is not open
 * - EINVAL: the file descriptor is not a dma-buf, or @flags is not zero
 * - EOPNOTSUPP: the dma-buf belongs to another exporter
 * - EMFILE: the process has no file descriptor left
 * - ENOMEM: there is no memory for the dma-buf
 * - ENOTTY: the driver is older than this call
 */
#define VB2_CMA_IOC_READER	_IOW(0xca, 0x41, struct vb2_cma_reader)

#endif
