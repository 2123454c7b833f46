/* SPDX-License-Identifier: MIT */
/*
 * A memory file that answers DMA_BUF_IOCTL_SYNC and keeps count.
 */

#include "fake_dma_buf.h"

#include <cerrno>
#include <cstdarg>
#include <linux/dma-buf.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

FakeDmaBufs *current;

} /* namespace */

FakeDmaBufs::FakeDmaBufs()
{
	current = this;
}

FakeDmaBufs::~FakeDmaBufs()
{
	current = nullptr;
}

cmacam::UniqueFd FakeDmaBufs::create(std::size_t size)
{
	cmacam::UniqueFd fd(memfd_create("fake-dma-buf", MFD_CLOEXEC));

	std::vector<unsigned char> bytes(size);
	for (std::size_t i = 0; i < size; i++)
		bytes[i] = i % 251;
	if (write(fd.get(), bytes.data(), size) != static_cast<ssize_t>(size))
		return {};

	return fd;
}

void FakeDmaBufs::failCall(unsigned int index, int error)
{
	failures_.push_back({index, error});
}

int FakeDmaBufs::sync(std::uint64_t flags)
{
	const unsigned int call = calls_++;
	lastFlags_ = flags;

	for (const Failure &failure : failures_) {
		if (failure.call == call) {
			errno = failure.error;
			return -1;
		}
	}

	(flags & DMA_BUF_SYNC_END ? ends_ : begins_)++;

	return 0;
}

extern "C" int __real_ioctl(int fd, unsigned long request, void *argument);

extern "C" int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	va_start(list, request);
	void *argument = va_arg(list, void *);
	va_end(list);

	if (request == DMA_BUF_IOCTL_SYNC && current)
		return current->sync(static_cast<dma_buf_sync *>(argument)->flags);

	return __real_ioctl(fd, request, argument);
}
