/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * FramePool: the camera's buffers as GstMemory.
 */
#include "memory.h"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

#include <gst/allocators/gstdmabuf.h>

namespace cmacam::gst {

namespace {

/*
 * Where a memory came from. The reference is weak: memory that outlives the
 * element owns its file descriptor and needs nobody.
 */
struct Origin
{
	std::weak_ptr<FramePool> pool;
	size_t buffer;
};

GQuark originQuark()
{
	static const GQuark quark = g_quark_from_static_string("cmacam-frame-origin");
	return quark;
}

void destroyOrigin(gpointer origin)
{
	std::default_delete<Origin>()(static_cast<Origin *>(origin));
}

} /* namespace */

FramePool::FramePool(size_t offset, size_t size, Requeue requeue)
	: offset_(offset), size_(size), requeue_(std::move(requeue))
{
}

FramePool::~FramePool()
{
	retire();
}

std::shared_ptr<FramePool> FramePool::create(std::span<const int> dmabufs, size_t offset,
					     size_t size, Requeue requeue)
{
	std::shared_ptr<FramePool> pool(new FramePool(offset, size, std::move(requeue)));
	const AllocatorPtr allocator(gst_dmabuf_allocator_new());

	for (size_t i = 0; i < dmabufs.size(); i++) {
		/* A descriptor of its own: the memory may outlive the session. */
		const int fd = fcntl(dmabufs[i], F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			return nullptr;

		MemoryPtr memory(gst_dmabuf_allocator_alloc_with_flags(
			allocator.get(), fd, offset + size, GST_FD_MEMORY_FLAG_KEEP_MAPPED));
		if (!memory) {
			close(fd);
			return nullptr;
		}

		gst_memory_resize(memory.get(), offset, size);
		GST_MINI_OBJECT_CAST(memory.get())->dispose = memoryDispose;
		gst_mini_object_set_qdata(GST_MINI_OBJECT_CAST(memory.get()), originQuark(),
					  new Origin{pool, i}, destroyOrigin);
		pool->idle_.push_back(std::move(memory));
	}

	return pool;
}

std::shared_ptr<FramePool> FramePool::create(const StreamBuffers &buffers, Requeue requeue)
{
	const PlaneLayout &first = buffers.layout().planes.front();
	const PlaneLayout &last = buffers.layout().planes.back();

	return create(buffers.fds(), first.offset, last.offset + last.length - first.offset,
		      std::move(requeue));
}

bool FramePool::isEmpty()
{
	std::lock_guard lock(mutex_);
	return std::ranges::none_of(idle_, [](const MemoryPtr &memory) { return bool(memory); });
}

MemoryPtr FramePool::take(size_t buffer)
{
	std::lock_guard lock(mutex_);
	return std::move(idle_[buffer]);
}

void FramePool::retire()
{
	std::vector<MemoryPtr> idle;

	{
		std::lock_guard lock(mutex_);
		requeue_ = nullptr;
		idle.swap(idle_);
	}

	/* Freed without the lock, which their dispose takes. */
	idle.clear();
}

/*
 * The last reference is gone, and nobody else can find the object: taking a
 * new reference and returning FALSE brings it back to life, as GStreamer's
 * dispose contract allows.
 */
gboolean FramePool::memoryDispose(GstMiniObject *object)
{
	const auto *origin =
		static_cast<const Origin *>(gst_mini_object_get_qdata(object, originQuark()));
	const std::shared_ptr<FramePool> pool = origin->pool.lock();

	return !pool || !pool->giveBack(GST_MEMORY_CAST(object), origin->buffer);
}

bool FramePool::giveBack(GstMemory *memory, size_t buffer)
{
	std::lock_guard lock(mutex_);
	if (!requeue_)
		return false;

	/* A consumer that owned the memory alone may have cropped it in place. */
	gst_memory_ref(memory);
	gst_memory_resize(memory, offset_ - memory->offset, size_);
	idle_[buffer].reset(memory);
	requeue_(buffer);

	return true;
}

} /* namespace cmacam::gst */
