/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include <linux/dma-heap.h>
#include <poll.h>
#include <stdexcept>

namespace bench {

namespace {

constexpr int frameLimitMs = 60'000;
constexpr uint32_t type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

Fd allocateFromHeap(const Fd &heap, size_t size)
{
	dma_heap_allocation_data data{};
	data.len = size;
	data.fd_flags = O_RDWR | O_CLOEXEC;
	control(heap.get(), DMA_HEAP_IOCTL_ALLOC, &data, "DMA_HEAP_IOCTL_ALLOC");
	return Fd(static_cast<int>(data.fd));
}

} /* namespace */

Capture::Capture(const std::string &device, uint32_t width, uint32_t height)
	: fd_(Fd::open(device, O_RDWR | O_NONBLOCK))
{
	v4l2_format format{};
	format.type = type;
	format.fmt.pix.width = width;
	format.fmt.pix.height = height;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_NV12;
	control(fd_.get(), VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
	const v4l2_pix_format &pix = format.fmt.pix;
	if (pix.width != width || pix.height != height || pix.pixelformat != V4L2_PIX_FMT_NV12)
		throw std::runtime_error("the camera has no NV12 of that size");
	format_ = {width, height, pix.bytesperline, pix.sizeimage};
}

uint32_t Capture::request(uint32_t count, uint32_t memory)
{
	v4l2_requestbuffers request{};
	request.count = count;
	request.type = type;
	request.memory = memory;
	control(fd_.get(), VIDIOC_REQBUFS, &request, "VIDIOC_REQBUFS");
	return request.count;
}

void Capture::allocate(Source source, uint32_t count, const std::string &heap)
{
	source_ = source;
	if (source == Source::Heap) {
		const Fd device = Fd::open(heap, O_RDWR);
		for (uint32_t i = 0; i < count; i++)
			dmaBufs_.push_back(allocateFromHeap(device, format_.size));
		count_ = count;
		return;
	}
	count_ = request(count, V4L2_MEMORY_MMAP);
	if (count_ != count)
		throw std::runtime_error("memory for " + std::to_string(count_) + " of " +
					 std::to_string(count) + " buffers");
}

void Capture::adopt()
{
	if (source_ == Source::Queue)
		return;
	if (source_ == Source::Export) {
		for (uint32_t i = 0; i < count_; i++) {
			v4l2_exportbuffer exported{};
			exported.type = type;
			exported.index = i;
			exported.flags = O_RDWR | O_CLOEXEC;
			control(fd_.get(), VIDIOC_EXPBUF, &exported, "VIDIOC_EXPBUF");
			dmaBufs_.emplace_back(exported.fd);
		}
		request(0, V4L2_MEMORY_MMAP);
	}
	request(count_, V4L2_MEMORY_DMABUF);
	memory_ = V4L2_MEMORY_DMABUF;
}

int Capture::dmaBuf(uint32_t index) const
{
	return memory_ == V4L2_MEMORY_DMABUF ? dmaBufs_.at(index).get() : -1;
}

Mapping Capture::map(uint32_t index) const
{
	if (memory_ == V4L2_MEMORY_DMABUF)
		return Mapping(dmaBuf(index), 0, format_.size);
	v4l2_buffer buffer = describe(index);
	control(fd_.get(), VIDIOC_QUERYBUF, &buffer, "VIDIOC_QUERYBUF");
	return Mapping(fd_.get(), buffer.m.offset, format_.size);
}

void Capture::start()
{
	uint32_t what = type;
	control(fd_.get(), VIDIOC_STREAMON, &what, "VIDIOC_STREAMON");
}

void Capture::stop()
{
	uint32_t what = type;
	control(fd_.get(), VIDIOC_STREAMOFF, &what, "VIDIOC_STREAMOFF");
}

v4l2_buffer Capture::describe(uint32_t index) const
{
	v4l2_buffer buffer{};
	buffer.type = type;
	buffer.memory = memory_;
	buffer.index = index;
	if (memory_ == V4L2_MEMORY_DMABUF)
		buffer.m.fd = dmaBuf(index);
	return buffer;
}

void Capture::queue(uint32_t index)
{
	v4l2_buffer buffer = describe(index);
	control(fd_.get(), VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
}

v4l2_buffer Capture::dequeue()
{
	for (;;) {
		pollfd wait{fd_.get(), POLLIN, 0};
		const int ready = poll(&wait, 1, frameLimitMs);
		if (ready < 0 && errno != EINTR)
			fail("poll");
		if (ready == 0)
			throw std::runtime_error("no frame within 60 s");
		v4l2_buffer buffer = describe(0);
		const int error = tryControl(fd_.get(), VIDIOC_DQBUF, &buffer);
		if (error == EAGAIN)
			continue;
		if (error)
			fail("VIDIOC_DQBUF");
		if (buffer.flags & V4L2_BUF_FLAG_ERROR || buffer.bytesused != format_.size)
			throw std::runtime_error("a broken frame");
		return buffer;
	}
}

} /* namespace bench */
