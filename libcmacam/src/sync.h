/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Helpers for the ioctls that begin and end CPU access to a dma-buf or to a part of
 * a dma-buf.
 */

#pragma once

#include <cerrno>
#include <cstdint>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>

#include <cmacam/dma_buf.h>

namespace cmacam {

/** Convert an access to the direction flags of struct dma_buf_sync. */
inline std::uint32_t syncDirection(Access access)
{
	return access == Access::Read ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_RW;
}

/**
 * Call an ioctl, and repeat the call after EINTR and EAGAIN. The ioctl may wait for
 * fences, and a signal can interrupt the wait. The kernel's documentation of
 * DMA_BUF_IOCTL_SYNC requires these repetitions.
 *
 * Returns 0, or -1 with errno.
 */
template <typename T>
int syncIoctl(int fd, unsigned long request, T *argument)
{
	int ret;
	do {
		ret = ioctl(fd, request, argument);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));

	return ret;
}

} /* namespace cmacam */
