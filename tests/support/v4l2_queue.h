/* SPDX-License-Identifier: MIT */
/* One queue of a V4L2 node, of frames in one plane. */
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
 * What fails throws a std::system_error that names the call; of the functions
 * called try...() the error number is the result, 0 for success. Queuing and
 * dequeuing allocate nothing and make no other system call than they say.
 */
class V4l2Queue
{
public:
	/* Opens the node. */
	explicit V4l2Queue(const std::string &node,
			   v4l2_buf_type type = V4L2_BUF_TYPE_VIDEO_CAPTURE);

	int fd() const { return fd_; }

	/*
	 * Asks for a format, and takes what the driver makes of it.
	 * stride: bytes of a line, 0 for the driver's choice.
	 */
	const v4l2_pix_format &setFormat(uint32_t pixels, uint32_t width, uint32_t height,
					 uint32_t stride = 0);
	/* The same, where another size or other pixels throw. */
	const v4l2_pix_format &setExactFormat(uint32_t pixels, uint32_t width, uint32_t height);
	const v4l2_pix_format &format() const { return format_; }

	/* VIDIOC_REQBUFS: buffers instead of those that there were; count 0 gives them up. */
	int tryRequest(uint32_t count, v4l2_memory memory = V4L2_MEMORY_MMAP);
	void request(uint32_t count, v4l2_memory memory = V4L2_MEMORY_MMAP);
	/* That number of the queue's own buffers; fewer throw as well. */
	void requestAll(uint32_t count);
	/* VIDIOC_CREATE_BUFS: more of the queue's own. bytes: of each, 0 for those of a frame. */
	int tryCreate(uint32_t count, uint32_t bytes = 0);
	/* The buffers that there are now, and the flags of the call that made the last ones. */
	uint32_t count() const { return count_; }
	uint32_t flags() const { return flags_; }

	/* VIDIOC_EXPBUF. */
	Fd exportBuffer(uint32_t index, uint32_t access = O_RDWR) const;
	/* Takes dma-bufs instead of the buffers that there were, and keeps them. */
	void import(std::vector<Fd> dmaBufs);
	/* The dma-buf that a buffer was imported from; -1 for the queue's own. */
	int dmaBuf(uint32_t index) const;

	/* VIDIOC_QUERYBUF, of the queue's own buffers. */
	v4l2_buffer query(uint32_t index) const;
	/* All of a buffer: through the node, or where it was imported as its dma-buf. */
	Mapping map(uint32_t index, int protection = PROT_READ) const;

	void start();
	void stop();

	/* VIDIOC_QBUF. */
	void queue(uint32_t index);
	/* VIDIOC_QBUF of the caller's memory (V4L2_MEMORY_USERPTR), with one frame in it. */
	int tryQueue(uint32_t index, std::span<std::byte> memory);

	/* poll(): those of the events that have come. Throws when none comes within a minute. */
	short wait(short events) const;
	/* VIDIOC_DQBUF, which does not wait: EAGAIN. */
	int tryDequeue(v4l2_buffer &buffer);
	/* Waits for the next frame. One with an error, or of another size than the format's,
	 * throws. */
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
