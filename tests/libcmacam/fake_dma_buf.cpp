/* SPDX-License-Identifier: MIT */
/*
 * A memory file that answers DMA_BUF_IOCTL_SYNC and keeps count, and a device
 * node that does so with VB2_CMA_IOC_SYNC and answers VB2_CMA_IOC_READER.
 */

#include "fake_dma_buf.h"

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <string>
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

bool FakeDmaBufs::fails(unsigned int call) const
{
	for (const Failure &failure : failures_) {
		if (failure.call == call) {
			errno = failure.error;
			return true;
		}
	}

	return false;
}

int FakeDmaBufs::sync(std::uint64_t flags)
{
	lastFlags_ = flags;
	if (fails(calls_++))
		return -1;

	(flags & DMA_BUF_SYNC_END ? ends_ : begins_)++;

	return 0;
}

int FakeDmaBufs::syncPart(const vb2_cma_sync &part)
{
	partCalls_++;
	if (fails(calls_++))
		return -1;
	if (partError_) {
		errno = partError_;
		return -1;
	}

	parts_.push_back(part);

	return 0;
}

/* A second description of the same memory file, which is open to read only. */
int FakeDmaBufs::makeReader(int fd)
{
	if (readerError_) {
		errno = readerError_;
		return -1;
	}
	readers_++;

	return open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC);
}

int FakeDmaBufs::openNode()
{
	opens_++;
	if (!node_) {
		errno = ENOENT;
		return -1;
	}

	return memfd_create("fake-vb2-cma", MFD_CLOEXEC);
}

extern "C" int __real_ioctl(int fd, unsigned long request, void *argument);

extern "C" int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	va_start(list, request);
	void *argument = va_arg(list, void *);
	va_end(list);

	if (request == VB2_CMA_IOC_SYNC && current)
		return current->syncPart(*static_cast<vb2_cma_sync *>(argument));
	if (request == VB2_CMA_IOC_READER && current)
		return current->makeReader(static_cast<vb2_cma_reader *>(argument)->fd);
	if (request == DMA_BUF_IOCTL_SYNC && current)
		return current->sync(static_cast<dma_buf_sync *>(argument)->flags);

	return __real_ioctl(fd, request, argument);
}

extern "C" int __real_open64(const char *path, int flags, ...);

/*
 * What open() is where files may be large, as meson has it. Nothing in these
 * tests creates a file, so the mode need not be passed on.
 */
extern "C" int __wrap_open64(const char *path, int flags, ...)
{
	if (!std::strcmp(path, "/dev/vb2-cma") && current)
		return current->openNode();

	return __real_open64(path, flags);
}
