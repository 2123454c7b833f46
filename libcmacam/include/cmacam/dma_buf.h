/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dma-buf file descriptors: ownership, size, CPU access.
 */

#pragma once

#include <cstddef>
#include <utility>

#include <cmacam/result.h>

namespace cmacam {

/** Owns a file descriptor. */
class UniqueFd
{
public:
	UniqueFd() = default;
	explicit UniqueFd(int fd) : fd_(fd) {}
	UniqueFd(UniqueFd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
	UniqueFd &operator=(UniqueFd &&other) noexcept;
	~UniqueFd() { reset(); }

	int get() const { return fd_; }
	bool isValid() const { return fd_ >= 0; }
	int release() { return std::exchange(fd_, -1); }
	void reset();

private:
	int fd_ = -1;
};

/** What the CPU does with a buffer. */
enum class Access {
	Read,
	ReadWrite,
};

/**
 * Begin CPU access to a dma-buf.
 *
 * From here until endCpuAccess() the CPU sees what the device wrote, and the
 * device must not be given the buffer. Accesses nest. The rules are those of
 * DMA_BUF_IOCTL_SYNC in the kernel's documentation of dma-buf.
 *
 * \return An error with the errno of the ioctl; ENOTTY for a file descriptor
 * that is no dma-buf. Interrupted calls are repeated.
 */
Result<void> beginCpuAccess(int fd, Access access);

/**
 * End the CPU access that beginCpuAccess() began, with the same \a access.
 *
 * \return An error with the errno of the ioctl
 */
Result<void> endCpuAccess(int fd, Access access);

/**
 * Size of a dma-buf in bytes.
 *
 * \return An error with the errno of lseek()
 */
Result<std::size_t> dmaBufSize(int fd);

/**
 * A second file descriptor for the same buffer, closed on exec.
 *
 * \return An error with the errno of fcntl()
 */
Result<UniqueFd> duplicateFd(int fd);

} /* namespace cmacam */
