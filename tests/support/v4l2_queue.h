/* SPDX-License-Identifier: MIT */
/* One buffer queue of a V4L2 node. Each frame has one plane. */
#pragma once

#include <cstdint>
#include <linux/videodev2.h>
#include <span>
#include <string>
#include <vector>

#include "fd.h"
#include "mapping.h"

namespace support {

/*
 * If a system call fails, the functions throw a std::system_error with the name
 * of the call. A function whose name begins with `try` returns the error number
 * instead, or 0 for success. Functions that queue or dequeue a buffer do not
 * allocate memory. They make only the system calls that their comments name.
 */
class V4l2Queue
{
public:
	/* Opens the node. */
	explicit V4l2Queue(const std::string &node,
			   v4l2_buf_type type = V4L2_BUF_TYPE_VIDEO_CAPTURE);

	int fd() const { return fd_; }

	/*
	 * Requests a format, and accepts the format that the driver sets instead.
	 * stride: number of bytes in a line, 0 for the driver's choice.
	 */
	const v4l2_pix_format &setFormat(uint32_t pixels, uint32_t width, uint32_t height,
					 uint32_t stride = 0);
	/* Requests a format. Throws if the driver sets another size or pixel format. */
	const v4l2_pix_format &setExactFormat(uint32_t pixels, uint32_t width, uint32_t height);
	const v4l2_pix_format &format() const { return format_; }

	/* VIDIOC_REQBUFS: replaces the queue's buffers with new ones. count 0 frees them. */
	int tryRequest(uint32_t count, v4l2_memory memory = V4L2_MEMORY_MMAP);
	void request(uint32_t count, v4l2_memory memory = V4L2_MEMORY_MMAP);
	/* Requests `count` buffers of V4L2_MEMORY_MMAP. Throws if the driver gives fewer. */
	void requestAll(uint32_t count);
	/*
	 * VIDIOC_CREATE_BUFS: adds buffers of V4L2_MEMORY_MMAP.
	 * bytes: size of each buffer, 0 for the size of a frame.
	 */
	int tryCreate(uint32_t count, uint32_t bytes = 0);
	/* Number of buffers in the queue. */
	uint32_t count() const { return count_; }
	/* Flags that the driver returned when buffers were last requested or created. */
	uint32_t flags() const { return flags_; }

	/* VIDIOC_EXPBUF: exports a buffer as a dma-buf. */
	Fd exportBuffer(uint32_t index, uint32_t access = O_RDWR) const;
	/* Replaces the queue's buffers with these dma-bufs, and keeps their descriptors. */
	void import(std::vector<Fd> dmaBufs);
	/* The dma-buf that was imported as this buffer; -1 for a buffer that the queue made. */
	int dmaBuf(uint32_t index) const;

	/* VIDIOC_QUERYBUF: describes a buffer that the queue made. */
	v4l2_buffer query(uint32_t index) const;
	/* Maps a whole buffer: through the node, or through the dma-buf if it was imported. */
	Mapping map(uint32_t index, int protection = PROT_READ) const;

	void start();
	void stop();

	/* VIDIOC_QBUF: queues a buffer to the driver. */
	void queue(uint32_t index);
	/* VIDIOC_QBUF: queues the caller's memory (V4L2_MEMORY_USERPTR), which has one frame. */
	int tryQueue(uint32_t index, std::span<std::byte> memory);

	/* poll(): waits for events and returns them. Throws if none occurs within a minute. */
	short wait(short events) const;
	/* VIDIOC_DQBUF: dequeues a buffer. If none is ready, returns EAGAIN and does not wait. */
	int tryDequeue(v4l2_buffer &buffer);
	/*
	 * Waits for the next frame with poll(), and dequeues it with VIDIOC_DQBUF. Throws if the
	 * frame has an error, or if its number of bytes is not the format's.
	 */
	v4l2_buffer dequeue();

private:
	v4l2_buffer describe(uint32_t index) const;

	Fd fd_;
	v4l2_buf_type type_;
	v4l2_memory memory_ = V4L2_MEMORY_MMAP;
	v4l2_pix_format format_{};
	uint32_t count_ = 0;
	uint32_t flags_ = 0;
	std::vector<Fd> dmaBufs_;
};

} /* namespace support */
