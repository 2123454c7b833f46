/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the whole dma-buf and a part of it share: how CPU access is asked for.
 */

#pragma once

#include <cerrno>
#include <cstdint>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>

#include <cmacam/dma_buf.h>

namespace cmacam {

/** The direction of an access, as a flag of struct dma_buf_sync. */
inline std::uint32_t syncDirection(Access access)
{
	return access == Access::Read ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_RW;
}

/**
 * An ioctl that may wait for fences, so that a signal can interrupt it; the
 * kernel's documentation asks to repeat after EINTR and EAGAIN.
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
