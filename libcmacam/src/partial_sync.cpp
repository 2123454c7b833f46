/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPU access to a part of a dma-buf, by the device node of vb2-cma.
 */

#include <cmacam/dma_buf.h>

#include <cerrno>
#include <string>
#include <sys/ioctl.h>

#include <linux/vb2-cma.h>

#include "errno_error.h"
#include "sync.h"
#include "vb2_cma_node.h"

namespace cmacam {

namespace {

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
	const int device = vb2CmaNode();
	if (device < 0)
		return Error{EOPNOTSUPP, std::string(operation) + ": there is no " + kVb2CmaNode};

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
