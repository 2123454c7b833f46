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
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "../compat.h"
#include "backend.h"
#include "vcma-buf.h"
#include "sync.h"
#include "trace.h"

#define PARK_SCAN_MS	100

static void scan_parked(struct work_struct *work);
static void free_after_grace(struct work_struct *work);

static DEFINE_MUTEX(park_lock); /* guards the list and its sum */
static LIST_HEAD(park_list);
static size_t park_bytes;
static DECLARE_DELAYED_WORK(park_work, scan_parked);

static LLIST_HEAD(grace_list);
static atomic_t grace_count; /* buffers from the list that are not freed yet */
static DECLARE_WORK(grace_work, free_after_grace);

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

/**
 * vcma_write_back() - write dirty lines back for a device that only writes
 * @buf: the buffer
 * @dev: the device
 *
 * On 32-bit ARM handing memory to such a device drops dirty lines instead of
 * writing them back: what the CPU wrote would be lost, and what others left in
 * RAM would show. For a device that reads they are written back. Elsewhere both
 * are the same, and there is nothing to do here, as for memory that needs no
 * maintenance.
 */
void vcma_write_back(struct vcma_buf *buf, struct device *dev)
{
	dma_addr_t addr;

	if (!IS_ENABLED(CONFIG_ARM) || !vcma_needs_sync(buf))
		return;

	addr = dma_map_page(dev, buf->page, 0, buf->size, DMA_TO_DEVICE);
	if (!dma_mapping_error(dev, addr))
		dma_unmap_page(dev, addr, buf->size, DMA_TO_DEVICE);
}

/*
 * Coherent memory comes with its mapping. For a device that does not access
 * the memory itself there is none.
 */
static int map_engine(struct vcma_buf *buf)
{
	if (!buf->page || !buf->has_engine)
		return 0;

	/* The first hand-over to the engine cleans what was just zeroed. */
	buf->dma_addr = dma_map_phys(buf->dev, page_to_phys(buf->page),
				     buf->size, buf->dir,
				     DMA_ATTR_SKIP_CPU_SYNC);

	return dma_mapping_error(buf->dev, buf->dma_addr) ? -ENOMEM : 0;
}

static void unmap_engine(struct vcma_buf *buf)
{
	if (buf->has_engine)
		dma_unmap_page_attrs(buf->dev, buf->dma_addr, buf->size,
				     buf->dir, DMA_ATTR_SKIP_CPU_SYNC);
}

static void free_coherent(struct vcma_buf *buf)
{
	if (buf->lost)
		dev_warn(buf->dev, "vb2-cma: %zu bytes of coherent memory are lost, because a program kept them longer than the driver\n",
			 buf->size);
	else
		buf->backend->free(buf);
}

/**
 * vcma_forget_engine() - undo the mappings of a device that is going
 * @dev: the device, which accesses no memory any more
 *
 * Its buffers may live on, with whoever has them: their last frame is made
 * valid while there is a way to, and the mappings are undone, as the DMA API
 * demands. Coherent memory cannot do without: it is freed when its last user
 * is gone, as the kernel's own allocator does it, and the DMA API may complain.
 * Without an IOMMU that only returns pages. Behind an IOMMU it cannot be done
 * once the device is removed: the DMA API would take the IOMMU's address for
 * a physical one, and free somebody else's memory. Such memory is lost.
 */
void vcma_forget_engine(struct device *dev)
{
	struct vcma_buf *buf;

	guard(mutex)(&bufs_lock);

	list_for_each_entry(buf, &bufs, entry) {
		guard(mutex)(&buf->lock);

		if (buf->dev != dev || !buf->has_engine)
			continue;
		if (!buf->page) {
			buf->lost = compat_dma_uses_iommu(dev);
			continue;
		}
		vcma_view_del(buf, &buf->engine);
		unmap_engine(buf);
		buf->has_engine = false;
	}
}

/**
 * vcma_has_engine() - are there buffers that are mapped for a device?
 * @dev: the device for which they were allocated
 *
 * Return: true if there is one
 */
bool vcma_has_engine(struct device *dev)
{
	struct vcma_buf *buf;

	guard(mutex)(&bufs_lock);

	list_for_each_entry(buf, &bufs, entry)
		if (buf->dev == dev && buf->has_engine)
			return true;

	return false;
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
 * Return: the buffer with one reference, or an error pointer: mostly -ENOMEM,
 * -EINVAL if @size is 0 or above VCMA_SIZE_MAX, -EOPNOTSUPP if the memory
 * cannot have the attribute that was chosen
 */
struct vcma_buf *vcma_buf_alloc(struct device *dev, bool has_engine,
				size_t size, enum dma_data_direction dir,
				gfp_t gfp, const char *account)
{
	struct vcma_buf *buf;
	int ret;

	if (!size || size > VCMA_SIZE_MAX)
		return ERR_PTR(-EINVAL);

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

	vcma_attribute_reset();
	ret = vcma_backend_alloc(buf, gfp);
	if (ret)
		goto err_free;
	ret = vcma_attribute_apply(buf);
	if (ret)
		goto err_memory;
	ret = map_engine(buf);
	if (ret)
		goto err_memory;

	vcma_write_back(buf, dev);
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
	if (vcma_attribute_undo(buf))
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

static void *map_pages(const struct vcma_buf *buf)
{
	pgprot_t prot = buf->wc ? pgprot_writecombine(PAGE_KERNEL) :
				  PAGE_KERNEL;
	unsigned long i, count = buf->size >> PAGE_SHIFT;
	struct page **pages;
	void *vaddr;

	pages = kvmalloc_objs(*pages, count);
	if (!pages)
		return NULL;
	for (i = 0; i < count; i++)
		pages[i] = buf->page + i;
	vaddr = vmap(pages, count, VM_MAP, prot);
	kvfree(pages);

	return vaddr;
}

/**
 * vcma_vaddr() - find the buffer in the kernel's address space
 * @buf: the buffer
 *
 * On 32 bits, a CMA area or a carve-out may lie where the kernel has no mapping
 * of its own. A write-combining buffer must not be used through the kernel's
 * own mapping. Such buffers get one at the first call, and keep it.
 *
 * Return: the address; NULL if the kernel has no room for a mapping
 */
void *vcma_vaddr(struct vcma_buf *buf)
{
	guard(mutex)(&buf->lock);

	if (!buf->vaddr && !buf->wc)
		buf->vaddr = page_address(buf->page);
	if (!buf->vaddr)
		buf->vaddr = map_pages(buf);

	return buf->vaddr;
}

/*
 * Nobody can find the buffer any more, and its device has no part in it: what
 * is left is its pages. The device's part ends in the same hold as the entry.
 * A vcma_forget_engine() that does not find the buffer therefore returns after
 * that, so that the driver has the device until then.
 */
static void retire(struct vcma_buf *buf)
{
	WARN_ON(buf->importers);

	scoped_guard(mutex, &bufs_lock) {
		list_del(&buf->entry);
		if (buf->page)
			unmap_engine(buf);
		else
			free_coherent(buf);
	}

	trace_vb2_cma_free(buf);
	vcma_account_free(buf);
	mutex_destroy(&buf->lock);
	dma_resv_fini(&buf->resv);
}

static void free_memory(struct vcma_buf *buf)
{
	if (buf->page && is_vmalloc_addr(buf->vaddr))
		vunmap(buf->vaddr);
	if (buf->page && vcma_attribute_undo(buf))
		buf->backend->free(buf);
	atomic_long_sub(buf->size, &bytes_held);
	put_device(buf->dev);
	kfree(buf);
}

/* Frees the pages after a grace period. */
static void free_later(struct vcma_buf *buf)
{
	llist_add(&buf->grace, &grace_list);
	schedule_work(&grace_work);
}

/* Nobody refers to the buffer, neither as a buffer nor by its pages. */
static void free_buf(struct vcma_buf *buf)
{
	retire(buf);
	if (!buf->backend->frozen) {
		free_memory(buf);
		return;
	}
	atomic_inc(&grace_count);
	free_later(buf);
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

/*
 * A get_user_pages_fast() that read a page table entry may take its reference
 * when the entry is gone already. It then finds that the entry has changed, and
 * drops the reference. Memory that is freed whatever references it has must not
 * be freed meanwhile. All of this happens with interrupts disabled, hence
 * within one grace period. On x86, the removal of an entry usually waits for it
 * as well, because it interrupts the other CPUs. On arm64 and RISC-V, and on
 * x86 with INVLPGB or with a hypervisor's help, it does not.
 *
 * The caller of vcma_buf_put() cannot wait for the grace period: it may hold
 * the lock of an address space or of a queue.
 */
static void free_after_grace(struct work_struct *work)
{
	struct llist_node *batch = llist_del_all(&grace_list);
	struct vcma_buf *buf, *next;

	synchronize_rcu();

	llist_for_each_entry_safe(buf, next, batch, grace) {
		/* This is not expected. Freeing such a page would be worse. */
		if (is_referenced(buf)) {
			free_later(buf);
			continue;
		}
		free_memory(buf);
		atomic_dec(&grace_count);
	}
}

static bool is_freeing(void)
{
	return atomic_read(&grace_count);
}

/**
 * vcma_wait_until_freed() - wait for the memory of buffers that are gone
 *
 * Parked memory is not meant: it may stay for ever.
 */
void vcma_wait_until_freed(void)
{
	if (is_freeing())
		flush_work(&grace_work);
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
	 * under them would be given to somebody else while they use it. For
	 * those that are under way see free_after_grace().
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
 *
 * Memory in its grace period does not hold the module. It is waited for here.
 */
void vcma_park_exit(void)
{
	cancel_delayed_work_sync(&park_work);
	/* At least once: the last buffer is freed before the work is over. */
	do {
		flush_work(&grace_work);
	} while (is_freeing());
	/* The work may still be on its way out. */
	flush_work(&grace_work);
}
