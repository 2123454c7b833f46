/* SPDX-License-Identifier: MIT */
#include "v4l2_queue.h"

#include <poll.h>
#include <stdexcept>

namespace support {

namespace {

constexpr int frameLimitMs = 60'000;

} /* namespace */

V4l2Queue::V4l2Queue(const std::string &node, v4l2_buf_type type)
	: fd_(Fd::open(node, O_RDWR | O_NONBLOCK)), type_(type)
{
}

const v4l2_pix_format &V4l2Queue::setFormat(uint32_t pixels, uint32_t width, uint32_t height,
					    uint32_t stride)
{
	v4l2_format format{};
	format.type = type_;
	format.fmt.pix.width = width;
	format.fmt.pix.height = height;
	format.fmt.pix.pixelformat = pixels;
	format.fmt.pix.bytesperline = stride;
	control(fd_, VIDIOC_S_FMT, &format, "VIDIOC_S_FMT");
	return format_ = format.fmt.pix;
}

const v4l2_pix_format &V4l2Queue::setExactFormat(uint32_t pixels, uint32_t width, uint32_t height)
{
	setFormat(pixels, width, height);
	if (format_.pixelformat != pixels || format_.width != width || format_.height != height)
		throw std::runtime_error("the camera has no frames of that format and size");
	return format_;
}

int V4l2Queue::tryRequest(uint32_t count, v4l2_memory memory)
{
	v4l2_requestbuffers request{};
	request.count = count;
	request.type = type_;
	request.memory = memory;
	const int error = tryControl(fd_, VIDIOC_REQBUFS, &request);
	if (error)
		return error;
	count_ = request.count;
	flags_ = request.flags;
	memory_ = memory;
	return 0;
}

void V4l2Queue::request(uint32_t count, v4l2_memory memory)
{
	if (tryRequest(count, memory))
		fail("VIDIOC_REQBUFS");
}

void V4l2Queue::requestAll(uint32_t count)
{
	request(count);
	if (count_ != count)
		throw std::runtime_error("memory for " + std::to_string(count_) + " of " +
					 std::to_string(count) + " buffers");
}

int V4l2Queue::tryCreate(uint32_t count, uint32_t bytes)
{
	v4l2_create_buffers request{};
	request.count = count;
	request.memory = V4L2_MEMORY_MMAP;
	request.format.type = type_;
	control(fd_, VIDIOC_G_FMT, &request.format, "VIDIOC_G_FMT");
	if (bytes)
		request.format.fmt.pix.sizeimage = bytes;
	const int error = tryControl(fd_, VIDIOC_CREATE_BUFS, &request);
	if (error)
		return error;
	count_ += request.count;
	flags_ = request.flags;
	memory_ = V4L2_MEMORY_MMAP;
	return 0;
}

Fd V4l2Queue::exportBuffer(uint32_t index, uint32_t access) const
{
	v4l2_exportbuffer exported{};
	exported.type = type_;
	exported.index = index;
	exported.flags = access | O_CLOEXEC;
	control(fd_, VIDIOC_EXPBUF, &exported, "VIDIOC_EXPBUF");
	return Fd(exported.fd);
}

void V4l2Queue::import(std::vector<Fd> dmaBufs)
{
	request(dmaBufs.size(), V4L2_MEMORY_DMABUF);
	dmaBufs_ = std::move(dmaBufs);
}

int V4l2Queue::dmaBuf(uint32_t index) const
{
	return memory_ == V4L2_MEMORY_DMABUF ? int(dmaBufs_.at(index)) : -1;
}

v4l2_buffer V4l2Queue::query(uint32_t index) const
{
	v4l2_buffer buffer = describe(index);
	control(fd_, VIDIOC_QUERYBUF, &buffer, "VIDIOC_QUERYBUF");
	return buffer;
}

Mapping V4l2Queue::map(uint32_t index, int protection) const
{
	if (memory_ == V4L2_MEMORY_DMABUF)
		return Mapping(dmaBuf(index), 0, format_.sizeimage, protection);
	const v4l2_buffer buffer = query(index);
	return Mapping(fd_, buffer.m.offset, buffer.length, protection);
}

void V4l2Queue::start()
{
	control(fd_, VIDIOC_STREAMON, &type_, "VIDIOC_STREAMON");
}

void V4l2Queue::stop()
{
	control(fd_, VIDIOC_STREAMOFF, &type_, "VIDIOC_STREAMOFF");
}

v4l2_buffer V4l2Queue::describe(uint32_t index) const
{
	v4l2_buffer buffer{};
	buffer.type = type_;
	buffer.memory = memory_;
	buffer.index = index;
	if (memory_ == V4L2_MEMORY_DMABUF)
		buffer.m.fd = dmaBuf(index);
	return buffer;
}

void V4l2Queue::queue(uint32_t index)
{
	v4l2_buffer buffer = describe(index);
	control(fd_, VIDIOC_QBUF, &buffer, "VIDIOC_QBUF");
}

int V4l2Queue::tryQueue(uint32_t index, std::span<std::byte> memory)
{
	v4l2_buffer buffer = describe(index);
	buffer.m.userptr = reinterpret_cast<uintptr_t>(memory.data());
	buffer.length = memory.size();
	buffer.bytesused = format_.sizeimage;
	return tryControl(fd_, VIDIOC_QBUF, &buffer);
}

short V4l2Queue::wait(short events) const
{
	pollfd wait{fd_, events, 0};
	int status;
	do {
		status = poll(&wait, 1, frameLimitMs);
	} while (status < 0 && errno == EINTR);
	if (status < 0)
		fail("poll");
	if (status == 0)
		throw std::runtime_error(events & POLLPRI ? "no frame and no event within 60 s"
							  : "no frame within 60 s");
	return wait.revents;
}

int V4l2Queue::tryDequeue(v4l2_buffer &buffer)
{
	buffer = describe(0);
	return tryControl(fd_, VIDIOC_DQBUF, &buffer);
}

v4l2_buffer V4l2Queue::dequeue()
{
	v4l2_buffer buffer;
	int error;
	do {
		wait(POLLIN);
		error = tryDequeue(buffer);
	} while (error == EAGAIN);
	if (error)
		fail("VIDIOC_DQBUF");
	if (buffer.flags & V4L2_BUF_FLAG_ERROR || buffer.bytesused != format_.sizeimage)
		throw std::runtime_error("a broken frame");
	return buffer;
}

} /* namespace support */
