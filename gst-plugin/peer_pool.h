/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PeerPool holds the buffers of the pool that the next element offers. The camera
 * writes to these buffers.
 */
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <cmacam/frame_layout.h>

#include "gst_ptr.h"

namespace cmacam::gst {

/* The buffer pool in the reply to an allocation query. */
struct OfferedPool
{
	BufferPoolPtr pool;
	/* Largest number of buffers that the pool can have. The value 0 means no limit. */
	guint max = 0;

	/**
	 * Whether the buffers of the pool may be dma-bufs. The pool has no buffers yet.
	 * Therefore the answer depends on @caps and on the allocator of the pool.
	 */
	bool mayHaveDmabufs(const GstCaps *caps) const;
};

/*
 * create() acquires all buffers at once, so that the camera has all buffers when the
 * camera starts. The first buffer that create() acquires has the index 0, and each
 * further buffer has the next index. A buffer that was delivered belongs to the peer
 * until acquire() returns the index of the buffer.
 *
 * If an element replaces the memory of a buffer, the pool frees that buffer and makes
 * another in its place. The camera does not know this other buffer.
 */
class PeerPool
{
public:
	/**
	 * Takes @count buffers out of @offered, or more if the pool wants to have more. Each buffer
	 * must have exactly one GstMemory, which must be a dma-buf with the layout @planes.
	 * @isDefault: whether the caps alone describe this layout. If @isDefault is false, each
	 * buffer must also have a GstVideoMeta. On failure, returns nullptr and sets @why to the
	 * reason.
	 */
	static std::shared_ptr<PeerPool> create(const OfferedPool &offered, GstCaps *caps,
						std::span<const PlaneLayout> planes, bool isDefault,
						size_t count, std::string &why);
	~PeerPool();

	/* Returns the dma-bufs, which stay open until the first buffer is taken. */
	const std::vector<int> &fds() const { return fds_; }

	/** Takes buffer @index for the peer. The camera has just completed this buffer. */
	BufferPtr take(size_t index);
	/**
	 * Returns the index of a buffer that the peer has given back. If there is no
	 * such buffer, the result is empty. If @wait is true, the function first waits for
	 * a buffer or for setFlushing(true). It does not wait once a buffer has come back with
	 * other memory, or if the pool fails.
	 */
	std::optional<size_t> acquire(bool wait);
	void setFlushing(bool flushing);

private:
	explicit PeerPool(GstBufferPool *pool);
	PeerPool(const PeerPool &) = delete;
	PeerPool &operator=(const PeerPool &) = delete;

	std::optional<size_t> activate(GstCaps *caps, size_t size, size_t count);
	bool configure(GstCaps *caps, size_t size, size_t count);
	std::optional<size_t> indexOf(GstBuffer *buffer) const;

	BufferPoolPtr pool_;
	/* The buffers by index; nullptr while the peer has the buffer. */
	std::vector<BufferPtr> buffers_;
	/* The dma-buf of each buffer, by index. */
	std::vector<int> fds_;
	/* Buffers that the pool made later. They stay here: the pool would return them again. */
	std::vector<BufferPtr> strangers_;
};

} /* namespace cmacam::gst */
