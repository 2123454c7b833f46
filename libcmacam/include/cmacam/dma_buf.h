/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * dma-buf file descriptors: ownership, size, CPU access.
 */

#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <cmacam/result.h>

namespace cmacam {

/** The owner of a file descriptor. Its destructor closes the file descriptor. */
class UniqueFd
{
public:
	/** Make an owner without a file descriptor. */
	UniqueFd() = default;

	/**
	 * Make the owner of a file descriptor.
	 *
	 * \param[in] fd The file descriptor; -1: none
	 */
	explicit UniqueFd(int fd) : fd_(fd) {}

	/**
	 * Take over the file descriptor of another owner.
	 *
	 * \param[in] other The former owner, which owns nothing afterwards
	 */
	UniqueFd(UniqueFd &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

	/**
	 * Close the file descriptor of this object and take over the file descriptor of
	 * \a other.
	 *
	 * \param[in] other The former owner, which owns nothing afterwards
	 *
	 * \return This object
	 */
	UniqueFd &operator=(UniqueFd &&other) noexcept;

	/** Close the file descriptor. */
	~UniqueFd() { reset(); }

	/** \return The file descriptor, which this object still owns; -1 if this object has none */
	int get() const { return fd_; }

	/** \return Whether this object has a file descriptor */
	bool isValid() const { return fd_ >= 0; }

	/**
	 * \return The file descriptor, which the caller owns from now on; -1 if the object
	 * had none
	 */
	int release() { return std::exchange(fd_, -1); }

	/** Close the file descriptor. The object has no file descriptor afterwards. */
	void reset();

private:
	int fd_ = -1;
};

/** How the CPU uses the pixels of a buffer. */
enum class Access {
	Read,	   /**< the CPU reads the pixels */
	ReadWrite, /**< the CPU reads and writes the pixels */
};

/**
 * Begin CPU access to a dma-buf.
 *
 * From this call until endCpuAccess() the CPU sees the pixels that the device
 * wrote. The caller must not give the buffer to the device before endCpuAccess(). A
 * caller may begin a second access to the same dma-buf before the first access has
 * ended. The kernel's documentation of DMA_BUF_IOCTL_SYNC has the rules for
 * accesses. If a signal interrupts the ioctl, the function repeats the ioctl.
 *
 * \param[in] fd The dma-buf
 * \param[in] access How the CPU uses the pixels
 *
 * \return The errno of the ioctl; ENOTTY for a file descriptor that is not a
 * dma-buf
 */
Result<void> beginCpuAccess(int fd, Access access);

/**
 * End the CPU access that beginCpuAccess() began.
 *
 * \param[in] fd The dma-buf
 * \param[in] access The value that was passed to beginCpuAccess()
 *
 * \return The errno of the ioctl
 */
Result<void> endCpuAccess(int fd, Access access);

/** A rectangle of bytes in a dma-buf. */
struct ByteRect
{
	std::uint64_t offset;	 /**< bytes from the start of the dma-buf to the first line */
	std::uint32_t stride;	 /**< bytes from one line to the next */
	std::uint32_t lineBytes; /**< bytes of each line, at least 1 and at most the stride */
	std::uint32_t lines;	 /**< number of lines, at least 1 */
};

/**
 * Begin CPU access to a part of a dma-buf. The call maintains the CPU caches for
 * this part only. Outside of \a part the CPU may see older pixels.
 *
 * Only buffers of vb2-cma support access to a part. The function uses the ioctl
 * VB2_CMA_IOC_SYNC of the device node /dev/vb2-cma. The first call that finds the
 * device node opens the device node, which stays open as long as the process runs.
 * Any thread may call this function.
 *
 * \param[in] fd The dma-buf
 * \param[in] access How the CPU uses the pixels
 * \param[in] part The part
 *
 * \return EOPNOTSUPP if the function cannot begin access to a part, because the
 * buffer belongs to another driver or because there is no device node; ERANGE if
 * \a part reaches beyond the dma-buf; else the errno of the ioctl. After an error
 * no access has begun. After EOPNOTSUPP the caller can begin access to the whole
 * buffer
 */
Result<void> beginCpuAccess(int fd, Access access, const ByteRect &part);

/**
 * End the CPU access to a part of a dma-buf.
 *
 * \param[in] fd The dma-buf
 * \param[in] access The value that was passed to beginCpuAccess()
 * \param[in] part The value that was passed to beginCpuAccess()
 *
 * \return The errno of the ioctl
 */
Result<void> endCpuAccess(int fd, Access access, const ByteRect &part);

/**
 * Make a read-only dma-buf of the same buffer, for a process that may not write.
 *
 * Only buffers of vb2-cma can be read-only. The function uses the ioctl
 * VB2_CMA_IOC_READER of the device node /dev/vb2-cma. Whoever has only the new dma-buf
 * can neither map the buffer for writing nor let a device write to the buffer. Any
 * thread may call this function.
 *
 * \param[in] fd A dma-buf of the buffer
 *
 * \return The new dma-buf, which keeps the buffer's memory; EOPNOTSUPP if the buffer
 * belongs to another driver, or if there is no device node, or if the driver is too
 * old; else the errno of the ioctl
 */
Result<UniqueFd> readOnlyDmaBuf(int fd);

/**
 * Get the size of a dma-buf.
 *
 * \param[in] fd The dma-buf
 *
 * \return The size in bytes; the errno of lseek()
 */
Result<std::size_t> dmaBufSize(int fd);

/**
 * Duplicate a file descriptor. The new file descriptor is closed on exec.
 *
 * \param[in] fd The file descriptor, which stays open
 *
 * \return The new file descriptor; the errno of fcntl()
 */
Result<UniqueFd> duplicateFd(int fd);

} /* namespace cmacam */
