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
	 * Close the file descriptor of this object and take over that of \a other.
	 *
	 * \param[in] other The former owner, which owns nothing afterwards
	 *
	 * \return This object
	 */
	UniqueFd &operator=(UniqueFd &&other) noexcept;

	/** Close the file descriptor. */
	~UniqueFd() { reset(); }

	/** \return The file descriptor, which stays with its owner; -1 if there is none */
	int get() const { return fd_; }

	/** \return Whether there is a file descriptor */
	bool isValid() const { return fd_ >= 0; }

	/** \return The file descriptor, which the caller owns from now on; -1 if there is none */
	int release() { return std::exchange(fd_, -1); }

	/** Close the file descriptor. The object has none afterwards. */
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
 * From this call until endCpuAccess() the CPU sees what the device wrote. The
 * caller must not give the buffer to the device in between. Accesses can be nested.
 * The rules are those of DMA_BUF_IOCTL_SYNC in the kernel's documentation of
 * dma-buf. If a signal interrupts the ioctl, the function repeats it.
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
 * \param[in] access The same as for beginCpuAccess()
 *
 * \return The errno of the ioctl
 */
Result<void> endCpuAccess(int fd, Access access);

/** A rectangle of a dma-buf, in bytes. */
struct ByteRect
{
	std::uint64_t offset;	 /**< from the start of the dma-buf to the first line */
	std::uint32_t stride;	 /**< from the start of one line to the start of the next */
	std::uint32_t lineBytes; /**< length of each line: at least 1, at most the stride */
	std::uint32_t lines;	 /**< number of lines, at least 1 */
};

/**
 * Begin CPU access to a part of a dma-buf. The call costs the cache maintenance
 * of that part only. Outside of \a part the CPU may see older pixels.
 *
 * Only buffers of vb2-cma support this (/dev/vb2-cma, VB2_CMA_IOC_SYNC). The
 * first call that finds the device node opens it. The device node stays open as
 * long as the process runs. Any thread may call this function.
 *
 * \param[in] fd The dma-buf
 * \param[in] access How the CPU uses the pixels
 * \param[in] part The part
 *
 * \return EOPNOTSUPP if only the whole buffer can be accessed, because it belongs
 * to another driver or because there is no device node; ERANGE if \a part reaches
 * beyond the dma-buf; else the errno of the ioctl. After an error no access has
 * begun. After EOPNOTSUPP the caller can begin access to the whole buffer
 */
Result<void> beginCpuAccess(int fd, Access access, const ByteRect &part);

/**
 * End the CPU access to a part.
 *
 * \param[in] fd The dma-buf
 * \param[in] access The same as for beginCpuAccess()
 * \param[in] part The same as for beginCpuAccess()
 *
 * \return The errno of the ioctl
 */
Result<void> endCpuAccess(int fd, Access access, const ByteRect &part);

/**
 * Get the size of a dma-buf.
 *
 * \param[in] fd The dma-buf
 *
 * \return The size in bytes; the errno of lseek()
 */
Result<std::size_t> dmaBufSize(int fd);

/**
 * Duplicate a file descriptor. The new one is closed on exec.
 *
 * \param[in] fd The file descriptor, which stays open
 *
 * \return The new file descriptor; the errno of fcntl()
 */
Result<UniqueFd> duplicateFd(int fd);

} /* namespace cmacam */
