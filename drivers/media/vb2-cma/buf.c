// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation, ownership and release of cacheable contiguous buffers.
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "cma-buf.h"

static atomic_long_t bytes_held;

/**
 * cma_buf_bytes_held() - memory in all buffers, the parked ones included
 *
 * Return: bytes
 */
size_t cma_buf_bytes_held(void)
{
	return atomic_long_read(&bytes_held);
}

/**
 * cma_buf_alloc() - allocate a buffer
 * @dev: device whose engine will use it
 * @size: bytes, a multiple of the page size
 * @dir: what the engine does with it
 * @gfp: flags beyond GFP_KERNEL
 *
 * The memory is zeroed and belongs to the CPU. A failure is silent here: the
 * caller knows how much was wanted in all and words the one message.
 *
 * Return: the buffer with one reference, or -ENOMEM as a pointer
 */
struct cma_buf *cma_buf_alloc(struct device *dev, size_t size,
			      enum dma_data_direction dir, gfp_t gfp)
{
	struct cma_buf *buf;

	buf = kzalloc_obj(*buf);
	if (!buf)
		return ERR_PTR(-ENOMEM);

	buf->page = dma_alloc_pages(dev, size, &buf->dma_addr, dir,
				    GFP_KERNEL | __GFP_NOWARN | gfp);
	if (!buf->page)
		goto err_free;

	/*
	 * Pages from CMA have a reference each. Where CMA has no room the DMA
	 * layer may fall back to one high-order page whose tail pages have
	 * none; those cannot be mapped page by page, and splitting them would
	 * make dma_free_pages() free what it does not own.
	 */
	if (page_ref_count(buf->page + (size >> PAGE_SHIFT) - 1) != 1) {
		dma_free_pages(dev, size, buf->page, buf->dma_addr, dir);
		goto err_free;
	}

	buf->dev = get_device(dev);
	buf->size = size;
	buf->dir = dir;
	buf->owner = CMA_BUF_CPU;
	refcount_set(&buf->refcount, 1);
	mutex_init(&buf->lock);
	INIT_LIST_HEAD(&buf->attachments);
	atomic_long_add(size, &bytes_held);

	return buf;

err_free:
	kfree(buf);
	return ERR_PTR(-ENOMEM);
}

/**
 * cma_buf_get() - take a reference
 * @buf: a buffer to which the caller holds one already
 *
 * Return: @buf
 */
struct cma_buf *cma_buf_get(struct cma_buf *buf)
{
	refcount_inc(&buf->refcount);
	return buf;
}

/**
 * cma_buf_put() - drop a reference; the last one frees or parks the buffer
 * @buf: the buffer
 *
 * Process context. May run long after the device is gone: touches memory
 * only, never the engine.
 */
void cma_buf_put(struct cma_buf *buf)
{
	if (!refcount_dec_and_test(&buf->refcount))
		return;

	/*
	 * All page table entries are gone, so no new get_user_pages() can
	 * begin. Those that came before (a spliced pipe, a zero-copy send,
	 * direct I/O in flight) still hold their pages, and CMA memory freed
	 * under them would be given to somebody else while they use it.
	 */
	if (cma_buf_is_referenced(buf))
		cma_buf_park(buf);
	else
		cma_buf_free(buf);
}

/**
 * cma_buf_free() - give the memory back
 * @buf: a buffer that nobody refers to, neither as a buffer nor by its pages
 */
void cma_buf_free(struct cma_buf *buf)
{
	WARN_ON(!list_empty(&buf->attachments));

	dma_free_pages(buf->dev, buf->size, buf->page, buf->dma_addr,
		       buf->dir);
	atomic_long_sub(buf->size, &bytes_held);
	put_device(buf->dev);
	mutex_destroy(&buf->lock);
	kfree(buf);
}
