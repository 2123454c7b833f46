/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dma-buf file descriptors: ownership, size, CPU access.
 */

#pragma once

#include <cstddef>
#include <cstdint>
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

/** A rectangle of a dma-buf, in bytes. */
struct ByteRect
{
	std::uint64_t offset;	 /**< of the first line, from the start of the dma-buf */
	std::uint32_t stride;	 /**< from the start of one line to that of the next */
	std::uint32_t lineBytes; /**< of each line, not more than the stride; not 0 */
	std::uint32_t lines;	 /**< not 0 */
};

/**
 * Begin CPU access to a part of a dma-buf, which costs the maintenance of that
 * part only. Outside of \a part the CPU may see older pixels.
 *
 * Only buffers of vb2-cma can do it (/dev/vb2-cma, VB2_CMA_IOC_SYNC). The
 * device node is opened at the first call that finds it and stays open for as
 * long as the process runs. Any thread may call this.
 *
 * \return EOPNOTSUPP if the buffer cannot be had in parts: it is of another
 * driver, or the node is not there. Nothing has begun then, and
 * beginCpuAccess() for the whole buffer is the way. Else the errno of the
 * ioctl; ERANGE if \a part reaches beyond the dma-buf
 */
Result<void> beginCpuAccess(int fd, Access access, const ByteRect &part);

/**
 * End the CPU access to a part, with the same \a access and \a part.
 *
 * \return An error with the errno of the ioctl
 */
Result<void> endCpuAccess(int fd, Access access, const ByteRect &part);

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
