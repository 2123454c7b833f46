/* SPDX-License-Identifier: MIT */
/* A small io_uring for the tests: one request at a time, with direct system calls. */
#pragma once

#include <atomic>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "common.h"

/*
 * A file for direct I/O. Its blocks are allocated, and none of them is in the
 * page cache. If a write must allocate blocks or drop cached ones, io_uring
 * passes it to a worker thread. Linux 7.2 sometimes starts this thread very
 * late, with any kind of memory.
 */
inline Fd fileWithBlocks(const std::string &path, size_t size)
{
	const Bytes nothing(size);
	const Fd file(open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600));
	must(write(file, nothing.data(), size) == ssize_t(size) && fsync(file) == 0, path);
	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	return Fd(open(path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC));
}

class Ring
{
public:
	Ring()
	{
		fd_ = Fd(static_cast<int>(syscall(SYS_io_uring_setup, 4, &parameters_)));
		const size_t size = std::max(
			parameters_.sq_off.array + parameters_.sq_entries * sizeof(uint32_t),
			parameters_.cq_off.cqes + parameters_.cq_entries * sizeof(io_uring_cqe));
		/* Since Linux 5.4, both rings share one mapping. */
		rings_ = Mapping(fd_, IORING_OFF_SQ_RING, size);
		requests_ = Mapping(fd_, IORING_OFF_SQES,
				    parameters_.sq_entries * sizeof(io_uring_sqe));
	}

	/*
	 * Registers one buffer. Its pages are pinned until the buffer is
	 * unregistered or the ring is closed. Returns 0, or the errno.
	 */
	int registerBuffer(std::span<std::byte> bytes)
	{
		iovec vector{bytes.data(), bytes.size()};
		return syscall(SYS_io_uring_register, static_cast<int>(fd_),
			       IORING_REGISTER_BUFFERS, &vector, 1)
			       ? errno
			       : 0;
	}

	/* Executes one request. Returns its result, or a negative errno if it failed. */
	int run(uint8_t operation, int file, std::span<std::byte> bytes, off_t offset = 0)
	{
		auto *requests = reinterpret_cast<io_uring_sqe *>(requests_.data());
		io_uring_sqe &request = requests[0];
		memset(&request, 0, sizeof(request));
		request.opcode = operation;
		request.fd = file;
		request.addr = reinterpret_cast<uintptr_t>(bytes.data());
		request.len = bytes.size();
		request.off = offset;

		const uint32_t tail = *at(parameters_.sq_off.tail);
		const uint32_t mask = *at(parameters_.sq_off.ring_mask);
		*at(parameters_.sq_off.array + (tail & mask) * sizeof(uint32_t)) = 0;
		std::atomic_ref(*at(parameters_.sq_off.tail))
			.store(tail + 1, std::memory_order_release);

		if (syscall(SYS_io_uring_enter, static_cast<int>(fd_), 1, 0, 0, nullptr, 0) != 1)
			return -errno;
		uint32_t *head = at(parameters_.cq_off.head);
		if (!waitForResult(*head))
			return -ETIME;

		const auto *results =
			reinterpret_cast<io_uring_cqe *>(rings_.data() + parameters_.cq_off.cqes);
		const int result = results[*head & *at(parameters_.cq_off.ring_mask)].res;
		std::atomic_ref(*head).store(*head + 1, std::memory_order_release);
		return result;
	}

private:
	bool waitForResult(uint32_t head)
	{
		__kernel_timespec limit{20 * slower(), 0};
		io_uring_getevents_arg wait{};
		wait.ts = reinterpret_cast<uintptr_t>(&limit);
		syscall(SYS_io_uring_enter, static_cast<int>(fd_), 0, 1,
			IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &wait, sizeof(wait));
		return std::atomic_ref(*at(parameters_.cq_off.tail))
			       .load(std::memory_order_acquire) != head;
	}

	uint32_t *at(size_t offset) { return reinterpret_cast<uint32_t *>(rings_.data() + offset); }

	io_uring_params parameters_{};
	Fd fd_;
	Mapping rings_;
	Mapping requests_;
};
