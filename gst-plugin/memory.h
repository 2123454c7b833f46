/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FramePool: the camera's buffers as GstMemory, which go back to the camera
 * when the last reference to the pixels goes.
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
 * The unit that comes back is the GstMemory, not the GstBuffer: elements share
 * the memory of a buffer with others (copies, sub-buffers, muxed packets), and
 * the camera may write again only when all of them are done.
 *
 * The memory objects, and with them their mappings, are kept from frame to
 * frame: a consumer on the CPU maps each buffer once, not once per frame.
 */
class FramePool
{
public:
	using Requeue = std::function<void(size_t buffer)>;

	/**
	 * Wraps buffers whose frames lie at @offset, @size bytes long. The
	 * descriptors are duplicated. @requeue is called, from any thread, for
	 * each buffer that may be captured into again.
	 * Returns nullptr if file descriptors run out.
	 */
	static std::shared_ptr<FramePool> create(std::span<const int> dmabufs, size_t offset,
						 size_t size, Requeue requeue);
	~FramePool();

	/** The memory of @buffer, which the camera has just completed. */
	MemoryPtr take(size_t buffer);

	/**
	 * No @requeue after this returns. Memory that is still held somewhere
	 * stays valid and is freed by its last holder.
	 */
	void retire();

private:
	FramePool(size_t offset, size_t size, Requeue requeue);
	FramePool(const FramePool &) = delete;
	FramePool &operator=(const FramePool &) = delete;

	static gboolean memoryDispose(GstMiniObject *object);
	bool giveBack(GstMemory *memory, size_t buffer);

	/* Taken before the session's lock, never after it. */
	std::mutex mutex_;
	const size_t offset_;
	const size_t size_;
	/* Guarded by mutex_; empty once retired. */
	Requeue requeue_;
	std::vector<MemoryPtr> idle_;
};

} /* namespace cmacam::gst */
