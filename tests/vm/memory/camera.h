/* SPDX-License-Identifier: MIT */
/* A capture queue of the driver, and the frames that it captures. */
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

/* How a buffer is mapped: through the node, or through its exported dma-buf. */
enum class Source { V4l2, DmaBuf };

std::string nameOf(Source source);

/* A frame from the capture node: the index of its buffer, its number and its size. */
struct Frame
{
	unsigned int index;
	uint32_t sequence;
	size_t bytes;
};

/* A capture node with NV12 frames. A failed call throws, except in request() and create(). */
class Camera
{
public:
	Camera();
	~Camera();

	/* Sets the size of the frames. Returns the number of bytes in a frame. */
	size_t setSize(Size size);

	/*
	 * Allocates `count` buffers of the frame's size. If they cannot all be allocated, returns
	 * false and allocates none.
	 */
	bool request(unsigned int count);
	/*
	 * Adds one buffer of another size, which must be at least a frame's. Returns false if the
	 * driver refuses.
	 */
	bool create(size_t bytes);
	void releaseBuffers();

	Mapping map(unsigned int index, int protection = PROT_READ | PROT_WRITE);
	Fd exportBuffer(unsigned int index);
	size_t bufferBytes(unsigned int index);

	/* Queues the first `count` buffers, and starts streaming. */
	void start(unsigned int count);
	/* Waits for the next frame. */
	Frame dequeue();
	/* Queues a buffer again. */
	void requeue(unsigned int index);
	void stop();

	/* The driver's sentence about its last error (the control last_error). */
	std::string lastError();

	const support::V4l2Queue &queue() const { return queue_; }

private:
	support::V4l2Queue queue_;
	bool streaming_ = false;
};

/* The entry of a frame in the board's log: its address and its SHA-256. */
struct Written
{
	uint64_t address;
	std::string digest;
};

/* Finds the log's entry of a frame by the nonce in the frame's mark, which is unique. */
Written boardsAccount(std::span<const std::byte> frame);

/* DMA_BUF_IOCTL_SYNC: begins or ends CPU access to a dma-buf, for reading and writing. */
void beginAccess(int dmabuf);
void endAccess(int dmabuf);
