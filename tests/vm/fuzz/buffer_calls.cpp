/* SPDX-License-Identifier: MIT */
#include "buffer_calls.h"

#include <algorithm>
#include <fcntl.h>

namespace fuzz {

namespace {

/* No queue has a buffer with this index. */
constexpr uint32_t kNoIndex = 64;

/*
 * The number of buffers of a queue that import dma-bufs. A dma-buf may be imported into all of
 * them at once, and the kernel's checks of the DMA API warn of more than seven mappings of the
 * same memory.
 */
constexpr uint32_t importsOf(Kind kind)
{
	return kind == Kind::Capture ? 2 : 1;
}

/* See limits.h. */
uint32_t limitSize(Kind kind, uint32_t bytes)
{
	if (kind == Kind::Metadata)
		return std::min(bytes, kMaxRecordBytes);
	return bytes < kHopelessBytes ? std::min(bytes, kMaxBufferBytes) : bytes;
}

uint32_t sizeOf(const v4l2_format &format)
{
	return format.type == V4L2_BUF_TYPE_META_CAPTURE ? format.fmt.meta.buffersize
							 : format.fmt.pix.sizeimage;
}

void setSize(v4l2_format &format, uint32_t bytes)
{
	if (format.type == V4L2_BUF_TYPE_META_CAPTURE)
		format.fmt.meta.buffersize = bytes;
	else
		format.fmt.pix.sizeimage = bytes;
}

void limitCount(Random &random, uint32_t &count)
{
	if (count > kMaxBuffers && !random.percent(5))
		count %= kMaxBuffers + 1;
}

} /* namespace */

BufferCalls::BufferCalls(const Context &context, CallList &calls) : CallGroup(context, calls)
{
	addIoctl("VIDIOC_REQBUFS", 14, &BufferCalls::request);
	addIoctl("VIDIOC_CREATE_BUFS", 8, &BufferCalls::create);
	addIoctl("VIDIOC_REMOVE_BUFS", 8, &BufferCalls::remove);
	addIoctl("VIDIOC_QUERYBUF", 14, &BufferCalls::query);
	addIoctl("VIDIOC_PREPARE_BUF", 14, &BufferCalls::prepare);
	addIoctl("VIDIOC_QBUF", 110, &BufferCalls::queue);
	addIoctl("VIDIOC_DQBUF", 80, &BufferCalls::dequeue);
	addIoctl("VIDIOC_EXPBUF", 20, &BufferCalls::exportBuffer);
	addIoctl("VIDIOC_STREAMON", 20, &BufferCalls::streamOn);
	addIoctl("VIDIOC_STREAMOFF", 12, &BufferCalls::streamOff);
}

/* The node with pictures in full size has most of the code. */
Kind BufferCalls::busyQueue(Random &random) const
{
	return random.percent(40) ? Kind::Capture : random.pick(kQueues);
}

uint32_t BufferCalls::memory(Kind kind) const
{
	return std::max<uint32_t>(hint(kind).memory, V4L2_MEMORY_MMAP);
}

uint32_t BufferCalls::index(Random &random, Kind kind) const
{
	if (random.percent(4))
		return kNoIndex + random.below(4);
	const uint32_t buffers = std::max(hint(kind).buffers.load(), 1u);
	const bool imports = memory(kind) == V4L2_MEMORY_DMABUF;
	return random.below(imports ? std::min(buffers, importsOf(kind)) : buffers);
}

long BufferCalls::request(Random &random)
{
	const Kind kind = random.pick(kQueues);
	const int fd = context_.descriptors.node(random, kind);
	v4l2_requestbuffers request{};
	request.type = bufferType(kind);
	request.memory = random.percent(75) ? V4L2_MEMORY_MMAP : V4L2_MEMORY_DMABUF;
	request.count = random.percent(30) ? 0 : random.between(1, 6);
	request.flags = random.percent(20) ? V4L2_MEMORY_FLAG_NON_COHERENT : 0;
	const long result = context_.ioctls.call(random, fd, VIDIOC_REQBUFS, request,
						 [&] { limitCount(random, request.count); });
	if (result == 0) {
		hint(kind).buffers = request.count;
		hint(kind).memory = request.memory;
		context_.descriptors.noteOwner(kind, fd);
	}
	return result;
}

long BufferCalls::create(Random &random)
{
	const Kind kind = random.pick(kQueues);
	const int fd = context_.descriptors.node(random, kind);
	v4l2_create_buffers request{};
	request.count = random.below(3);
	request.memory = memory(kind);
	request.format.type = bufferType(kind);
	if (ioctl(fd, VIDIOC_G_FMT, &request.format))
		return -1;
	uint32_t bytes = sizeOf(request.format);
	if (random.percent(30))
		bytes += random.below(kMaxBufferBytes);
	else if (random.percent(2))
		bytes = kHopelessBytes + random.below(kHopelessBytes / 4);
	setSize(request.format, limitSize(kind, bytes));

	const long result = context_.ioctls.call(random, fd, VIDIOC_CREATE_BUFS, request, [&] {
		limitCount(random, request.count);
		setSize(request.format, limitSize(kind, sizeOf(request.format)));
	});
	if (result == 0 && request.count) {
		hint(kind).buffers = request.index + request.count;
		hint(kind).memory = request.memory;
		context_.descriptors.noteOwner(kind, fd);
	}
	return result;
}

long BufferCalls::remove(Random &random)
{
	const Kind kind = random.pick(kQueues);
	v4l2_remove_buffers range{};
	range.type = bufferType(kind);
	range.index = index(random, kind);
	range.count = random.below(3);
	return send(random, kind, VIDIOC_REMOVE_BUFS, range);
}

v4l2_buffer BufferCalls::describe(Random &random, Kind kind) const
{
	static constexpr std::array<uint32_t, 5> hints = {
		0, 0, V4L2_BUF_FLAG_NO_CACHE_CLEAN, V4L2_BUF_FLAG_NO_CACHE_INVALIDATE,
		V4L2_BUF_FLAG_NO_CACHE_CLEAN | V4L2_BUF_FLAG_NO_CACHE_INVALIDATE};
	v4l2_buffer buffer{};
	buffer.type = bufferType(kind);
	buffer.index = index(random, kind);
	buffer.memory = memory(kind);
	buffer.flags = random.pick(hints);
	if (buffer.memory == V4L2_MEMORY_DMABUF) {
		const DmaBuf *dmaBuf = context_.descriptors.dmaBuf(random);
		buffer.m.fd = dmaBuf ? static_cast<int>(dmaBuf->fd) : -1;
		buffer.length = dmaBuf && random.percent(30) ? dmaBuf->bytes : 0;
	}
	return buffer;
}

long BufferCalls::sendBuffer(Random &random, unsigned long request)
{
	const Kind kind = busyQueue(random);
	v4l2_buffer buffer = describe(random, kind);
	return send(random, kind, request, buffer, [&] {
		if (buffer.memory == V4L2_MEMORY_DMABUF && buffer.index < kNoIndex)
			buffer.index %= importsOf(kind);
	});
}

long BufferCalls::query(Random &random)
{
	return sendBuffer(random, VIDIOC_QUERYBUF);
}

long BufferCalls::prepare(Random &random)
{
	return sendBuffer(random, VIDIOC_PREPARE_BUF);
}

long BufferCalls::queue(Random &random)
{
	return sendBuffer(random, VIDIOC_QBUF);
}

long BufferCalls::dequeue(Random &random)
{
	return sendBuffer(random, VIDIOC_DQBUF);
}

long BufferCalls::exportBuffer(Random &random)
{
	static constexpr std::array<uint32_t, 4> access = {O_RDWR, O_RDWR, O_RDONLY, O_WRONLY};
	const Kind kind = random.pick(kQueues);
	v4l2_exportbuffer exported{};
	exported.type = bufferType(kind);
	exported.index = index(random, kind);
	exported.flags = random.pick(access) | O_CLOEXEC;
	const long result = send(random, kind, VIDIOC_EXPBUF, exported);
	if (result == 0)
		context_.descriptors.addDmaBuf(random, exported.fd);
	return result;
}

long BufferCalls::sendStream(Random &random, unsigned long request)
{
	const Kind kind = busyQueue(random);
	uint32_t type = bufferType(kind);
	return send(random, kind, request, type);
}

long BufferCalls::streamOn(Random &random)
{
	return sendStream(random, VIDIOC_STREAMON);
}

long BufferCalls::streamOff(Random &random)
{
	return sendStream(random, VIDIOC_STREAMOFF);
}

} /* namespace fuzz */
