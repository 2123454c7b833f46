/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PeerPool: the buffer pool that the next element offers. The camera writes to
 * its buffers.
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
	/* Largest number of buffers; 0: no limit. */
	guint max = 0;

	/**
	 * Whether the pool may make dma-bufs. The pool has no buffers yet, so the
	 * answer depends on @caps and on the allocator of the pool.
	 */
	bool mayHaveDmabufs(const GstCaps *caps) const;
};

/*
 * create() acquires all buffers at once, so that the camera has all of them when
 * it starts. The index of a buffer is its place in the order of these calls. A
 * buffer that was delivered belongs to the peer until acquire() returns its index.
 */
class PeerPool
{
public:
	/**
	 * Takes @count buffers out of @offered. Each buffer must have exactly one
	 * memory, a dma-buf with the layout @planes. @isDefault: the caps alone
	 * describe this layout. If @isDefault is false, each buffer must also have a
	 * GstVideoMeta. Returns nullptr on failure, with the reason in @why.
	 */
	static std::shared_ptr<PeerPool> create(const OfferedPool &offered, GstCaps *caps,
						std::span<const PlaneLayout> planes, bool isDefault,
						size_t count, std::string &why);
	~PeerPool();

	/* Returns the dma-bufs, which stay open as long as this object lives. */
	std::vector<int> fds() const;

	/** Takes buffer @index, which the camera has just completed, for the peer. */
	BufferPtr take(size_t index);
	/**
	 * Returns the index of a buffer that the peer has given back. If there is no
	 * such buffer, the result is empty. With @wait the function first waits for a
	 * buffer or for setFlushing(true). The result is also empty for a buffer
	 * whose memory was replaced.
	 */
	std::optional<size_t> acquire(bool wait);
	void setFlushing(bool flushing);

private:
	explicit PeerPool(GstBufferPool *pool);
	PeerPool(const PeerPool &) = delete;
	PeerPool &operator=(const PeerPool &) = delete;

	bool activate(GstCaps *caps, size_t size, size_t count);

	BufferPoolPtr pool_;
	/* By index; nullptr while the peer has the buffer. */
	std::vector<BufferPtr> buffers_;
	/* By index; acquire() compares the memory of a buffer to find its index. */
	std::vector<const GstMemory *> memories_;
};

} /* namespace cmacam::gst */
