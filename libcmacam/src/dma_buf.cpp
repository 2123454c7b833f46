/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dma-buf file descriptors: ownership, size, CPU access.
 */

#include <cmacam/dma_buf.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <unistd.h>

namespace cmacam {

namespace {

Error fromErrno(const std::string &operation)
{
	const int code = errno;
	return {code, operation + ": " + std::strerror(code)};
}

/*
 * An exporter may wait for fences in here, so a signal can interrupt it; the
 * kernel's documentation asks to repeat after EINTR and EAGAIN.
 */
Result<void> sync(int fd, std::uint64_t flags, const char *operation)
{
	dma_buf_sync argument{};
	argument.flags = flags;

	int ret;
	do {
		ret = ioctl(fd, DMA_BUF_IOCTL_SYNC, &argument);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));

	if (ret < 0)
		return fromErrno(operation);

	return {};
}

std::uint64_t direction(Access access)
{
	return access == Access::Read ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_RW;
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
	return sync(fd, DMA_BUF_SYNC_START | direction(access), "cannot begin CPU access");
}

Result<void> endCpuAccess(int fd, Access access)
{
	return sync(fd, DMA_BUF_SYNC_END | direction(access), "cannot end CPU access");
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
