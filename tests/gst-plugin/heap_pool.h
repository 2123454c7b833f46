/* SPDX-License-Identifier: MIT */
/*
 * A buffer pool with memory of a dma-heap. An element that has its own memory
 * offers such a pool.
 */
#pragma once

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <gst/allocators/gstdmabuf.h>
#include <gst/video/video.h>

#include <linux/dma-heap.h>

struct _HeapAllocator
{
	GstDmaBufAllocator parent;
	int heap;
};

#define HEAP_TYPE_ALLOCATOR (heap_allocator_get_type())
G_DECLARE_FINAL_TYPE(HeapAllocator, heap_allocator, HEAP, ALLOCATOR, GstDmaBufAllocator)
G_DEFINE_TYPE(HeapAllocator, heap_allocator, GST_TYPE_DMABUF_ALLOCATOR)

static GstMemory *heap_allocator_alloc(GstAllocator *allocator, gsize size, GstAllocationParams *)
{
	struct dma_heap_allocation_data data = {};

	data.len = size;
	data.fd_flags = O_RDWR | O_CLOEXEC;
	if (ioctl(HEAP_ALLOCATOR(allocator)->heap, DMA_HEAP_IOCTL_ALLOC, &data))
		return nullptr;
	return gst_dmabuf_allocator_alloc(allocator, int(data.fd), size);
}

static void heap_allocator_finalize(GObject *object)
{
	close(HEAP_ALLOCATOR(object)->heap);
	G_OBJECT_CLASS(heap_allocator_parent_class)->finalize(object);
}

static void heap_allocator_class_init(HeapAllocatorClass *klass)
{
	GST_ALLOCATOR_CLASS(klass)->alloc = heap_allocator_alloc;
	G_OBJECT_CLASS(klass)->finalize = heap_allocator_finalize;
}

static void heap_allocator_init(HeapAllocator *self)
{
	self->heap = -1;
	GST_OBJECT_FLAG_UNSET(self, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

/* A pool for @caps with buffers of the heap at @path, to be added in propose-allocation. */
static inline GstBufferPool *heapPool(const char *path, GstCaps *caps, gsize size)
{
	auto *allocator =
		HEAP_ALLOCATOR(gst_object_ref_sink(g_object_new(HEAP_TYPE_ALLOCATOR, nullptr)));
	GstBufferPool *pool = gst_video_buffer_pool_new();
	GstStructure *config = gst_buffer_pool_get_config(pool);

	allocator->heap = open(path, O_RDWR | O_CLOEXEC);
	gst_buffer_pool_config_set_params(config, caps, size, 4, 0);
	gst_buffer_pool_config_set_allocator(config, GST_ALLOCATOR(allocator), nullptr);
	gst_buffer_pool_set_config(pool, config);
	gst_object_unref(allocator);
	return pool;
}
