// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation, ownership and release of cacheable contiguous buffers.
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/slab.h>

#include "backend.h"
#include "cma-buf.h"
#include "trace.h"

static atomic_long_t bytes_held;
static atomic_t last_id;
static DEFINE_MUTEX(bufs_lock); /* guards the list of all buffers */
static LIST_HEAD(bufs);

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
 * cma_buf_for_each() - look at all buffers, the parked ones included
 * @show: called for each, with a lock held under which none is freed
 * @data: passed to it
 */
void cma_buf_for_each(void (*show)(struct cma_buf *buf, void *data),
		      void *data)
{
	struct cma_buf *buf;

	guard(mutex)(&bufs_lock);

	list_for_each_entry(buf, &bufs, entry)
		show(buf, data);
}

/*
 * On 32-bit ARM handing memory to a device that only writes drops dirty lines
 * instead of writing them back: the zeroes would be lost, and what others left
 * in RAM would show. For a device that reads they are written back.
 */
static void clean_zeroes(struct cma_buf *buf)
{
	dma_addr_t addr;

	if (!IS_ENABLED(CONFIG_ARM) || !buf->page)
		return;

	addr = dma_map_page(buf->dev, buf->page, 0, buf->size, DMA_TO_DEVICE);
	if (!dma_mapping_error(buf->dev, addr))
		dma_unmap_page(buf->dev, addr, buf->size, DMA_TO_DEVICE);
}

/*
 * Coherent memory comes with its mapping. For a device that does not access
 * the memory itself there is none.
 */
static int map_engine(struct cma_buf *buf)
{
	if (!buf->page)
		return 0;

	buf->vaddr = page_address(buf->page);
	if (!buf->has_engine)
		return 0;

	/* The first hand-over to the engine cleans what was just zeroed. */
	buf->dma_addr = dma_map_phys(buf->dev, page_to_phys(buf->page),
				     buf->size, buf->dir,
				     DMA_ATTR_SKIP_CPU_SYNC);

	return dma_mapping_error(buf->dev, buf->dma_addr) ? -ENOMEM : 0;
}

static void unmap_engine(struct cma_buf *buf)
{
	if (buf->page && buf->has_engine)
		dma_unmap_phys(buf->dev, buf->dma_addr, buf->size, buf->dir,
			       DMA_ATTR_SKIP_CPU_SYNC);
}

/**
 * cma_buf_forget_engine() - a driver lets go of its device
 * @dev: the device, which accesses no memory any more
 *
 * Its buffers may live on, with whoever has them: their last frame is made
 * valid while there is a way to, and the mappings are undone, as the DMA API
 * demands. Coherent memory stays as it is, for it cannot do without.
 */
void cma_buf_forget_engine(struct device *dev)
{
	struct cma_buf *buf;

	guard(mutex)(&bufs_lock);

	list_for_each_entry(buf, &bufs, entry) {
		guard(mutex)(&buf->lock);

		if (buf->dev != dev || !buf->has_engine || !buf->page)
			continue;
		cma_buf_view_del(buf, &buf->engine);
		unmap_engine(buf);
		buf->has_engine = false;
	}
}

/**
 * cma_buf_alloc() - allocate a buffer
 * @dev: device for which it is
 * @has_engine: @dev will access the memory itself and not attach to a dma-buf
 * @size: bytes, a multiple of the page size
 * @dir: what @dev does with it
 * @gfp: flags beyond GFP_KERNEL
 * @account: name under which statistics are summed up; few differ
 *
 * The memory is zeroed and belongs to the CPU. A failure is silent here: the
 * caller knows how much was wanted in all and words the one message.
 *
 * Return: the buffer with one reference, or an error pointer, mostly -ENOMEM
 */
struct cma_buf *cma_buf_alloc(struct device *dev, bool has_engine, size_t size,
			      enum dma_data_direction dir, gfp_t gfp,
			      const char *account)
{
	struct cma_buf *buf;
	int ret;

	buf = kzalloc_obj(*buf);
	if (!buf)
		return ERR_PTR(-ENOMEM);

	buf->dev = dev;
	buf->has_engine = has_engine;
	buf->size = size;
	buf->dir = dir;
	buf->sync = cma_buf_sync_mode();
	buf->account = cma_buf_account_get(account);
	if (!buf->account) {
		ret = -ENOMEM;
		goto err_free;
	}

	ret = cma_backend_alloc(buf, gfp);
	if (ret)
		goto err_free;
	ret = map_engine(buf);
	if (ret)
		goto err_memory;

	clean_zeroes(buf);
	get_device(dev);
	buf->id = atomic_inc_return(&last_id);
	buf->owner = CMA_BUF_CPU;
	/* Far enough from the zero of a user that never began. */
	buf->cycle = 2;
	refcount_set(&buf->refcount, 1);
	dma_resv_init(&buf->resv);
	mutex_init(&buf->lock);
	INIT_LIST_HEAD(&buf->users);
	INIT_LIST_HEAD(&buf->views);
	if (has_engine) {
		buf->engine.dev = dev;
		buf->engine.addr = buf->dma_addr;
		buf->engine.dir = dir;
		buf->engine.announces = true;
		cma_buf_view_add(buf, &buf->engine);
	}
	buf->unknown.buf = buf;
	buf->unknown.written = true;
	atomic_long_add(size, &bytes_held);
	cma_buf_account_alloc(buf);
	trace_vb2_cma_alloc(buf);

	mutex_lock(&bufs_lock);
	list_add_tail(&buf->entry, &bufs);
	mutex_unlock(&bufs_lock);

	return buf;

err_memory:
	buf->backend->free(buf);
err_free:
	kfree(buf);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(cma_buf_alloc);

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
 * Process context. May run long after the driver is gone: touches memory
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
EXPORT_SYMBOL_GPL(cma_buf_put);

/**
 * cma_buf_free() - give the memory back
 * @buf: a buffer that nobody refers to, neither as a buffer nor by its pages
 */
void cma_buf_free(struct cma_buf *buf)
{
	WARN_ON(buf->importers);

	mutex_lock(&bufs_lock);
	list_del(&buf->entry);
	mutex_unlock(&bufs_lock);

	trace_vb2_cma_free(buf);
	cma_buf_account_free(buf);
	unmap_engine(buf);
	buf->backend->free(buf);
	atomic_long_sub(buf->size, &bytes_held);
	put_device(buf->dev);
	mutex_destroy(&buf->lock);
	dma_resv_fini(&buf->resv);
	kfree(buf);
}
