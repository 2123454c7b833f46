/* SPDX-License-Identifier: MIT */
/* A capture queue, with buffers from one of three places. */
#pragma once

#include <cstdint>
#include <linux/videodev2.h>
#include <string>
#include <vector>

#include "kernel_objects.h"

namespace bench {

enum class Source {
	Queue,	/* the queue's own buffers, mapped from the video node */
	Export, /* the queue's own, exported, given up and imported: libcamera's way */
	Heap,	/* imported from a dma-heap */
};

struct Format
{
	uint32_t width;
	uint32_t height;
	uint32_t stride;
	uint32_t size;
};

class Capture
{
public:
	Capture(const std::string &device, uint32_t width, uint32_t height);

	const Format &format() const { return format_; }

	/* Gets the buffers. With fewer than that many it throws. */
	void allocate(Source source, uint32_t count, const std::string &heap);
	/* Where they were exported, imports them; the queue takes them from then on. */
	void adopt();

	uint32_t count() const { return count_; }
	/* The dma-buf of a buffer; -1 for a queue's own. */
	int dmaBuf(uint32_t index) const;
	Mapping map(uint32_t index) const;

	void start();
	void stop();
	void queue(uint32_t index);
	/* Waits for a frame, with a limit. One with an error throws. */
	v4l2_buffer dequeue();

private:
	v4l2_buffer describe(uint32_t index) const;
	uint32_t request(uint32_t count, uint32_t memory);

	Fd fd_;
	Format format_{};
	Source source_ = Source::Queue;
	uint32_t memory_ = V4L2_MEMORY_MMAP;
	uint32_t count_ = 0;
	std::vector<Fd> dmaBufs_;
};

} /* namespace bench */
