/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FramePool offers the camera's buffers as GstMemory. A buffer goes back to the camera
 * when the last reference to its GstMemory is dropped.
 */
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "gst_ptr.h"
#include "stream_buffers.h"

namespace cmacam::gst {

/*
 * A buffer goes back to the camera when no GstBuffer uses its GstMemory any more.
 * Several GstBuffers can share one GstMemory (copies, sub-buffers, muxed packets). The
 * camera must not write to the GstMemory again before all of these GstBuffers are
 * freed.
 *
 * The pool keeps the GstMemory objects and their mappings from frame to frame. So
 * a consumer on the CPU maps each buffer only once, and not once per frame.
 */
class FramePool
{
public:
	using Requeue = std::function<void(size_t buffer)>;

	/**
	 * Makes a GstMemory for each of @dmabufs. A frame begins at byte @offset of its
	 * dma-buf and is @size bytes long. The pool duplicates the file descriptors. If the
	 * camera may write to a buffer again, the pool calls @requeue with the index of the
	 * buffer. This call may come from any thread. Returns nullptr if the process has too
	 * many open files.
	 */
	static std::shared_ptr<FramePool> create(std::span<const int> dmabufs, size_t offset,
						 size_t size, Requeue requeue);
	/** Makes a GstMemory for each of @buffers, whose planes lie in one dma-buf. */
	static std::shared_ptr<FramePool> create(const StreamBuffers &buffers, Requeue requeue);
	~FramePool();

	/** Takes the memory of buffer @buffer. The camera has just completed this buffer. */
	MemoryPtr take(size_t buffer);
	/** Whether consumers hold the memory of all buffers. */
	bool isEmpty();

	/**
	 * Ends the calls of the function @requeue. After retire() returns, no such call
	 * begins or is in progress. Memory that consumers still hold stays valid until the
	 * last consumer frees it.
	 */
	void retire();

private:
	FramePool(size_t offset, size_t size, Requeue requeue);
	FramePool(const FramePool &) = delete;
	FramePool &operator=(const FramePool &) = delete;

	static gboolean memoryDispose(GstMiniObject *object);
	bool giveBack(GstMemory *memory, size_t buffer);

	/*
	 * If a thread takes both mutex_ and the lock of the CameraSession, it takes mutex_
	 * first, because requeue_ calls the session. A thread that holds the session's lock
	 * must not take mutex_.
	 */
	std::mutex mutex_;
	const size_t offset_;
	const size_t size_;
	/* The function @requeue of create(), guarded by mutex_; empty after retire(). */
	Requeue requeue_;
	std::vector<MemoryPtr> idle_;
};

} /* namespace cmacam::gst */
