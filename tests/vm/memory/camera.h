/* SPDX-License-Identifier: MIT */
/* A capture queue of the driver, and frames captured with it. */
#pragma once

#include "common.h"
#include "support/v4l2_queue.h"

struct Size
{
	uint32_t width;
	uint32_t height;
};

constexpr Size kVga{640, 480};
constexpr Size kHd{1280, 720};
constexpr Size k4K{3840, 2160};
constexpr Size k8K{7680, 4320};

/* How a buffer is mapped: through the node, or as the dma-buf that it was exported as. */
enum class Source { V4l2, DmaBuf };

std::string nameOf(Source source);

/* What the capture node gave: which buffer, which frame. */
struct Frame
{
	unsigned int index;
	uint32_t sequence;
	size_t bytes;
};

/* The frames are NV12. What fails throws, unless it says otherwise. */
class Camera
{
public:
	Camera();
	~Camera();

	/* Set the size of the frames; the bytes that one takes. */
	size_t setSize(Size size);

	/* Make `count` buffers of the frame's size, all of them or none. */
	bool request(unsigned int count);
	/* Add one buffer of another size, at least a frame's; false if it is refused. */
	bool create(size_t bytes);
	void releaseBuffers();

	Mapping map(unsigned int index, int protection = PROT_READ | PROT_WRITE);
	Fd exportBuffer(unsigned int index);
	size_t bufferBytes(unsigned int index);

	/* Hand every buffer to the engine and start; wait for the next frame. */
	void start(unsigned int count);
	Frame dequeue();
	void stop();

	/* The driver's last failure, in one sentence. */
	std::string lastError();

	const support::V4l2Queue &queue() const { return queue_; }

private:
	support::V4l2Queue queue_;
	bool streaming_ = false;
};

/* What the board's log says of a frame: where it was written, and the SHA-256 of it. */
struct Written
{
	uint64_t address;
	std::string digest;
};

/* By the mark in the frame, which no other frame has. */
Written boardsAccount(std::span<const std::byte> frame);

/* DMA_BUF_IOCTL_SYNC: the CPU's access to a dma-buf begins, or ends. */
void beginAccess(int dmabuf);
void endAccess(int dmabuf);
