/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FramePool: the camera's buffers as GstMemory. A buffer goes back to the camera
 * when the last reference to its GstMemory is dropped.
 */
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "gst_ptr.h"

namespace cmacam::gst {

/*
 * A buffer of the camera goes back when its GstMemory is not used any more, and not
 * when its GstBuffer is freed. Several GstBuffers can share one GstMemory (copies,
 * sub-buffers, muxed packets). The camera must not write to the GstMemory again
 * before all of these GstBuffers are freed.
 *
 * The pool keeps the GstMemory objects and their mappings from frame to frame. So
 * a consumer on the CPU maps each buffer once, and not once per frame.
 */
class FramePool
{
public:
	using Requeue = std::function<void(size_t buffer)>;

	/**
	 * Makes a GstMemory for each of @dmabufs. A frame begins at @offset in its
	 * dma-buf and is @size bytes long. The pool duplicates the file descriptors.
	 * Any thread may call @requeue, with each buffer that the camera may write to
	 * again. Returns nullptr if the process has too many open files.
	 */
	static std::shared_ptr<FramePool> create(std::span<const int> dmabufs, size_t offset,
						 size_t size, Requeue requeue);
	~FramePool();

	/** Takes the memory of @buffer, which the camera has just completed. */
	MemoryPtr take(size_t buffer);

	/**
	 * Ends the calls of @requeue: there is none after this function returns.
	 * Memory that consumers still hold stays valid. The last holder frees it.
	 */
	void retire();

private:
	FramePool(size_t offset, size_t size, Requeue requeue);
	FramePool(const FramePool &) = delete;
	FramePool &operator=(const FramePool &) = delete;

	static gboolean memoryDispose(GstMiniObject *object);
	bool giveBack(GstMemory *memory, size_t buffer);

	/*
	 * A thread takes this lock before the lock of the CameraSession, because
	 * requeue_ calls the session. A thread that has the session's lock must not
	 * take this one.
	 */
	std::mutex mutex_;
	const size_t offset_;
	const size_t size_;
	/* Guarded by mutex_; empty after retire(). */
	Requeue requeue_;
	std::vector<MemoryPtr> idle_;
};

} /* namespace cmacam::gst */
