/* SPDX-License-Identifier: MIT */
#include "dma_buf_calls.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/vb2-cma.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mutation.h"

namespace fuzz {

namespace {

/* START or END, and READ, WRITE or both. */
uint32_t accessFlags(Random &random)
{
	return (random.below(DMA_BUF_SYNC_END * 2) & ~DMA_BUF_SYNC_RW) |
	       random.between(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_RW);
}

/* A rectangle that lies within a buffer of this size. */
void chooseRectangle(Random &random, size_t bytes, vb2_cma_sync &part)
{
	const uint32_t room = std::max<size_t>(bytes, 1);
	part.offset = random.percent(50) ? 0 : random.below(room);
	const uint32_t left = std::max<uint32_t>(room - part.offset, 1);
	part.line_bytes = random.between(1, std::min<uint32_t>(left, 2048));
	part.stride = part.line_bytes + random.below(256);
	part.lines = random.between(1, std::max<uint32_t>(left / part.stride, 1));
}

} /* namespace */

DmaBufCalls::DmaBufCalls(const Context &context, CallList &calls) : CallGroup(context, calls)
{
	addIoctl("DMA_BUF_IOCTL_SYNC", 30, &DmaBufCalls::sync);
	addIoctl("VB2_CMA_IOC_SYNC", 25, &DmaBufCalls::syncPart);
	addIoctl("VB2_CMA_IOC_READER", 8, &DmaBufCalls::makeReader);
	addIoctl("DMA_BUF_SET_NAME", 6, &DmaBufCalls::setName);
	addIoctl("DMA_BUF_IOCTL_EXPORT_SYNC_FILE", 6, &DmaBufCalls::exportSyncFile);
	addIoctl("DMA_BUF_IOCTL_IMPORT_SYNC_FILE", 6, &DmaBufCalls::importSyncFile);
	addIoctl("DMA_HEAP_IOCTL_ALLOC", 10, &DmaBufCalls::allocate);
	addCall("lseek dma-buf", 3, &DmaBufCalls::seek);
}

long DmaBufCalls::sync(Random &random)
{
	dma_buf_sync access{accessFlags(random)};
	const int fd = context_.descriptors.dmaBufOrNone(random);
	return context_.ioctls.call(random, fd, DMA_BUF_IOCTL_SYNC, access);
}

long DmaBufCalls::syncPart(Random &random)
{
	const DmaBuf *buffer = context_.descriptors.dmaBuf(random);
	vb2_cma_sync part{};
	part.fd = buffer ? static_cast<int>(buffer->fd) : -1;
	part.flags = accessFlags(random);
	chooseRectangle(random, buffer ? buffer->bytes : 0, part);
	return send(random, Kind::PartSync, VB2_CMA_IOC_SYNC, part);
}

long DmaBufCalls::makeReader(Random &random)
{
	vb2_cma_reader request{};
	request.fd = context_.descriptors.dmaBufOrNone(random);
	request.flags = random.percent(90) ? 0 : 1;
	const long result = send(random, Kind::PartSync, VB2_CMA_IOC_READER, request);
	if (result > STDERR_FILENO)
		context_.descriptors.addDmaBuf(random, static_cast<int>(result));
	return result;
}

/* The argument is the address of a text, which must be shorter than 32 characters. */
long DmaBufCalls::setName(Random &random)
{
	const int fd = context_.descriptors.dmaBufOrNone(random);
	const unsigned long request = random.percent(50) ? DMA_BUF_SET_NAME_A : DMA_BUF_SET_NAME_B;
	if (random.percent(10))
		return ioctl(fd, request, boundary(random));
	const std::string name(random.below(random.percent(80) ? 32 : 200), 'n');
	return ioctl(fd, request, context_.scratch.text(name));
}

long DmaBufCalls::exportSyncFile(Random &random)
{
	dma_buf_export_sync_file exported{};
	exported.flags = random.between(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_RW);
	exported.fd = -1;
	const int fd = context_.descriptors.dmaBufOrNone(random);
	const long result =
		context_.ioctls.call(random, fd, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, exported);
	if (result == 0)
		context_.descriptors.addSyncFile(random, exported.fd);
	return result;
}

long DmaBufCalls::importSyncFile(Random &random)
{
	dma_buf_import_sync_file imported{};
	imported.flags = random.between(DMA_BUF_SYNC_READ, DMA_BUF_SYNC_RW);
	imported.fd = context_.descriptors.syncFileOrNone(random);
	const int fd = context_.descriptors.dmaBufOrNone(random);
	return context_.ioctls.call(random, fd, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, imported);
}

long DmaBufCalls::allocate(Random &random)
{
	dma_heap_allocation_data data{};
	data.len = random.between(1, random.percent(90) ? 64 * kPage : kMaxRecordBytes);
	data.fd_flags = O_RDWR | O_CLOEXEC;
	/* See kHopelessBytes. */
	const auto limit = [&] {
		if (data.len < kHopelessBytes)
			data.len = std::min<uint64_t>(data.len, kMaxBufferBytes);
	};
	const long result = send(random, Kind::Heap, DMA_HEAP_IOCTL_ALLOC, data, limit);
	if (result == 0)
		context_.descriptors.addDmaBuf(random, static_cast<int>(data.fd));
	return result;
}

long DmaBufCalls::seek(Random &random)
{
	const int fd = context_.descriptors.dmaBufOrNone(random);
	const auto offset = static_cast<off_t>(random.percent(70) ? 0 : boundary(random));
	return lseek(fd, offset, random.percent(70) ? SEEK_END : static_cast<int>(random.below(5)));
}

} /* namespace fuzz */
