/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPU access to a part of a dma-buf, by the device node of vb2-cma.
 */

#include <cmacam/dma_buf.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <sys/ioctl.h>

#include <linux/vb2-cma.h>

#include "errno_error.h"
#include "sync.h"

namespace cmacam {

namespace {

constexpr const char *kNode = "/dev/vb2-cma";

/*
 * The node of this process, or -1. Once open it stays so until the process
 * ends, for a thread may be using it at any time before that. As long as it
 * cannot be opened every caller tries: the driver may come later.
 */
int node()
{
	static std::atomic<int> opened = -1;
	static std::mutex opening;

	if (const int fd = opened.load(std::memory_order_acquire); fd >= 0)
		return fd;

	std::lock_guard lock(opening);
	if (opened.load(std::memory_order_relaxed) < 0)
		opened.store(open(kNode, O_RDWR | O_CLOEXEC), std::memory_order_release);

	return opened.load(std::memory_order_relaxed);
}

/*
 * EBADF is in the list for programs that close descriptors they do not know,
 * ours among them. If it is the dma-buf that is bad, access to the whole fails
 * with it as well.
 */
bool isNotForParts(int error)
{
	return error == EOPNOTSUPP || error == ENODEV || error == ENOTTY || error == EBADF;
}

Result<void> sync(int fd, std::uint32_t flags, const ByteRect &part, const char *operation)
{
	const int device = node();
	if (device < 0)
		return Error{EOPNOTSUPP, std::string(operation) + ": there is no " + kNode};

	vb2_cma_sync argument{};
	argument.fd = fd;
	argument.flags = flags;
	argument.offset = part.offset;
	argument.stride = part.stride;
	argument.line_bytes = part.lineBytes;
	argument.lines = part.lines;

	if (syncIoctl(device, VB2_CMA_IOC_SYNC, &argument) == 0)
		return {};

	Error error = fromErrno(operation);
	if (isNotForParts(error.code))
		error.code = EOPNOTSUPP;
	return error;
}

} /* namespace */

Result<void> beginCpuAccess(int fd, Access access, const ByteRect &part)
{
	return sync(fd, DMA_BUF_SYNC_START | syncDirection(access), part,
		    "cannot begin CPU access to a part");
}

Result<void> endCpuAccess(int fd, Access access, const ByteRect &part)
{
	return sync(fd, DMA_BUF_SYNC_END | syncDirection(access), part,
		    "cannot end CPU access to a part");
}

} /* namespace cmacam */
