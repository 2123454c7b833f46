// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation and release of cacheable contiguous buffers. A buffer whose pages
 * somebody still refers to is parked: it is freed later.
 */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "backend.h"
#include "vcma-buf.h"
#include "trace.h"

#define PARK_SCAN_MS	100

static void scan_parked(struct work_struct *work);

static DEFINE_MUTEX(park_lock); /* guards the list and its sum */
static LIST_HEAD(park_list);
static size_t park_bytes;
static DECLARE_DELAYED_WORK(park_work, scan_parked);

static atomic_long_t bytes_held;
static atomic_t last_id;
static DEFINE_MUTEX(bufs_lock); /* guards the list of all buffers */
static LIST_HEAD(bufs);

/**
 * vcma_bytes_held() - memory in all buffers, the parked ones included
 *
 * Return: bytes
 */
size_t vcma_bytes_held(void)
{
	return atomic_long_read(&bytes_held);
}

/**
 * vcma_buf_for_each() - look at all buffers, the parked ones included
 * @show: called for each, with a lock held under which none is freed
 * @data: passed to it
 */
void vcma_buf_for_each(void (*show)(struct vcma_buf *buf, void *data),
		       void *data)
{
	struct vcma_buf *buf;

	guard(mutex)(&bufs_lock);

	list_for_each_entry(buf, &bufs, entry)
		show(buf, data);
}

/*
 * On 32-bit ARM handing memory to a device that only writes drops dirty lines
 * instead of writing them back: the zeroes would be lost, and what others left
 * in RAM would show. For a device that reads they are written back.
 */
static void clean_zeroes(struct vcma_buf *buf)
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
static int map_engine(struct vcma_buf *buf)
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

static void unmap_engine(struct vcma_buf *buf)
{
	if (buf->page && buf->has_engine)
		dma_unmap_phys(buf->dev, buf->dma_addr, buf->size, buf->dir,
			       DMA_ATTR_SKIP_CPU_SYNC);
}

/**
 * vcma_forget_engine() - undo the mappings of a device that is going
 * @dev: the device, which accesses no memory any more
 *
 * Its buffers may live on, with whoever has them: their last frame is made
 * valid while there is a way to, and the mappings are undone, as the DMA API
 * demands. Coherent memory stays as it is, for it cannot do without.
 */
void vcma_forget_engine(struct device *dev)
{
	struct vcma_buf *buf;

	guard(mutex)(&bufs_lock);

	list_for_each_entry(buf, &bufs, entry) {
		guard(mutex)(&buf->lock);

		if (buf->dev != dev || !buf->has_engine || !buf->page)
			continue;
		vcma_view_del(buf, &buf->engine);
		unmap_engine(buf);
		buf->has_engine = false;
	}
}

/**
 * vcma_buf_alloc() - allocate a buffer
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
struct vcma_buf *vcma_buf_alloc(struct device *dev, bool has_engine,
				size_t size, enum dma_data_direction dir,
				gfp_t gfp, const char *account)
{
	struct vcma_buf *buf;
	int ret;

	buf = kzalloc_obj(*buf);
	if (!buf)
		return ERR_PTR(-ENOMEM);

	buf->dev = dev;
	buf->has_engine = has_engine;
	buf->size = size;
	buf->dir = dir;
	buf->sync = vcma_sync_mode();
	buf->account = vcma_account_get(account);
	if (!buf->account) {
		ret = -ENOMEM;
		goto err_free;
	}

	ret = vcma_backend_alloc(buf, gfp);
	if (ret)
		goto err_free;
	ret = map_engine(buf);
	if (ret)
		goto err_memory;

	clean_zeroes(buf);
	get_device(dev);
	buf->id = atomic_inc_return(&last_id);
	buf->owner = VCMA_CPU;
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
		vcma_view_add(buf, &buf->engine);
	}
	vcma_user_init(&buf->unknown, buf);
	buf->unknown.written = true;
	atomic_long_add(size, &bytes_held);
	vcma_account_alloc(buf);
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
EXPORT_SYMBOL_GPL(vcma_buf_alloc);

/**
 * vcma_buf_get() - take a reference
 * @buf: a buffer to which the caller holds one already
 *
 * Return: @buf
 */
struct vcma_buf *vcma_buf_get(struct vcma_buf *buf)
{
	refcount_inc(&buf->refcount);
	return buf;
}

/* Nobody refers to the buffer, neither as a buffer nor by its pages. */
static void free_buf(struct vcma_buf *buf)
{
	WARN_ON(buf->importers);

	mutex_lock(&bufs_lock);
	list_del(&buf->entry);
	mutex_unlock(&bufs_lock);

	trace_vb2_cma_free(buf);
	vcma_account_free(buf);
	unmap_engine(buf);
	buf->backend->free(buf);
	atomic_long_sub(buf->size, &bytes_held);
	put_device(buf->dev);
	mutex_destroy(&buf->lock);
	dma_resv_fini(&buf->resv);
	kfree(buf);
}

/*
 * Does anybody but the buffer, which has no mappings any more, refer to its
 * pages? Each has one reference from its allocation.
 */
static bool is_referenced(const struct vcma_buf *buf)
{
	size_t i;

	/* Memory without pages has nobody who could refer to one. */
	if (!buf->page)
		return false;
	/* In a large piece the first page counts for all, others for none. */
	for (i = 0; i < buf->size >> PAGE_SHIFT; i++)
		if (page_ref_count(buf->page + i) > 1)
			return true;

	/*
	 * Pairs with the release in put_page(): whatever the last user did to
	 * the page is over before the memory gets another owner.
	 */
	smp_mb();
	return false;
}

static void scan_parked(struct work_struct *work)
{
	struct vcma_buf *buf, *next;

	mutex_lock(&park_lock);
	list_for_each_entry_safe(buf, next, &park_list, parked) {
		if (is_referenced(buf))
			continue;
		list_del(&buf->parked);
		park_bytes -= buf->size;
		free_buf(buf);
		module_put(THIS_MODULE);
	}
	if (!list_empty(&park_list))
		schedule_delayed_work(&park_work,
				      msecs_to_jiffies(PARK_SCAN_MS));
	mutex_unlock(&park_lock);
}

/*
 * Frees a buffer once its pages are unreferenced; it has no references,
 * mappings or dma-bufs itself.
 *
 * Each parked buffer holds the module, so that unloading is refused instead
 * of waiting for a pipe that may stay open for ever. The caller holds the
 * module in some other way during the call (through a queue, a dma-buf or
 * the file behind a mapping), as __module_get() demands.
 */
static void park(struct vcma_buf *buf)
{
	__module_get(THIS_MODULE);
	trace_vb2_cma_park(buf);

	mutex_lock(&park_lock);
	list_add_tail(&buf->parked, &park_list);
	park_bytes += buf->size;
	schedule_delayed_work(&park_work, msecs_to_jiffies(PARK_SCAN_MS));
	mutex_unlock(&park_lock);
}

/**
 * vcma_buf_put() - drop a reference; the last one frees or parks the buffer
 * @buf: the buffer
 *
 * Process context. May run long after the driver is gone: touches memory
 * only, never the engine.
 */
void vcma_buf_put(struct vcma_buf *buf)
{
	if (!refcount_dec_and_test(&buf->refcount))
		return;

	/*
	 * All page table entries are gone, so no new get_user_pages() can
	 * begin. Those that came before (a spliced pipe, a zero-copy send,
	 * direct I/O in flight) still hold their pages, and CMA memory freed
	 * under them would be given to somebody else while they use it.
	 */
	if (is_referenced(buf))
		park(buf);
	else
		free_buf(buf);
}
EXPORT_SYMBOL_GPL(vcma_buf_put);

/**
 * vcma_bytes_parked() - memory that waits for its last user
 *
 * Return: bytes
 */
size_t vcma_bytes_parked(void)
{
	guard(mutex)(&park_lock);
	return park_bytes;
}

/**
 * vcma_park_for_each() - look at all parked buffers
 * @show: called for each
 * @data: passed to it
 */
void vcma_park_for_each(void (*show)(struct vcma_buf *buf, void *data),
			void *data)
{
	struct vcma_buf *buf;

	guard(mutex)(&park_lock);

	list_for_each_entry(buf, &park_list, parked)
		show(buf, data);
}

/**
 * vcma_park_exit() - wait for the scan that dropped the last module
 * reference; the list is empty, or the module would not be unloaded
 */
void vcma_park_exit(void)
{
	cancel_delayed_work_sync(&park_work);
}
