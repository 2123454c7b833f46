/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * PeerPool: the pool that the next element offers, for the camera to write to.
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

/* A pool as an allocation query has it. */
struct OfferedPool
{
	BufferPoolPtr pool;
	/* 0: as many as it takes. */
	guint max = 0;

	/** Whether its buffers are dma-bufs, as far as that can be told before there are any. */
	bool mayHaveDmabufs(const GstCaps *caps) const;
};

/*
 * Its buffers are numbered in the order in which they were first acquired: all
 * of them at once, so that the camera has them when it starts. One that was
 * delivered is the peer's until the pool gives it out again.
 */
class PeerPool
{
public:
	/**
	 * Takes @count dma-bufs out of @offered, which have to have the layout
	 * @planes within one memory; where that is not what the caps say by
	 * themselves (@isDefault), each with a GstVideoMeta.
	 * Returns nullptr and says @why if there are none.
	 */
	static std::shared_ptr<PeerPool> create(const OfferedPool &offered, GstCaps *caps,
						std::span<const PlaneLayout> planes, bool isDefault,
						size_t count, std::string &why);
	~PeerPool();

	/* The dma-bufs; open as long as this object. */
	std::vector<int> fds() const;

	/** Buffer @index, which the camera has just completed, for the peer. */
	BufferPtr take(size_t index);
	/**
	 * A buffer that the peer has done with. With @wait it blocks until there
	 * is one, or setFlushing(true).
	 */
	std::optional<size_t> acquire(bool wait);
	void setFlushing(bool flushing);

private:
	explicit PeerPool(GstBufferPool *pool);
	PeerPool(const PeerPool &) = delete;
	PeerPool &operator=(const PeerPool &) = delete;

	bool activate(GstCaps *caps, size_t size, size_t count);

	BufferPoolPtr pool_;
	/* Null while the peer has it; the memory tells which one comes back. */
	std::vector<BufferPtr> buffers_;
	std::vector<const GstMemory *> memories_;
};

} /* namespace cmacam::gst */
