/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dma-buf file descriptors: ownership, size, CPU access.
 */

#include <cmacam/dma_buf.h>

#include <cstdint>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include "errno_error.h"
#include "sync.h"

namespace cmacam {

namespace {

Result<void> sync(int fd, std::uint64_t flags, const char *operation)
{
	dma_buf_sync argument{};
	argument.flags = flags;

	if (syncIoctl(fd, DMA_BUF_IOCTL_SYNC, &argument) < 0)
		return fromErrno(operation);

	return {};
}

} /* namespace */

UniqueFd &UniqueFd::operator=(UniqueFd &&other) noexcept
{
	if (this != &other) {
		reset();
		fd_ = std::exchange(other.fd_, -1);
	}

	return *this;
}

void UniqueFd::reset()
{
	if (isValid())
		close(std::exchange(fd_, -1));
}

Result<void> beginCpuAccess(int fd, Access access)
{
	return sync(fd, DMA_BUF_SYNC_START | syncDirection(access), "cannot begin CPU access");
}

Result<void> endCpuAccess(int fd, Access access)
{
	return sync(fd, DMA_BUF_SYNC_END | syncDirection(access), "cannot end CPU access");
}

Result<std::size_t> dmaBufSize(int fd)
{
	const off_t size = lseek(fd, 0, SEEK_END);
	if (size < 0)
		return fromErrno("cannot get the size of the dma-buf");

	return static_cast<std::size_t>(size);
}

Result<UniqueFd> duplicateFd(int fd)
{
	UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
	if (!copy.isValid())
		return fromErrno("cannot duplicate the file descriptor");

	return copy;
}

} /* namespace cmacam */
