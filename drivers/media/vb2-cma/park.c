// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deferred free of buffers whose pages somebody still refers to.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "cma-buf.h"
#include "trace.h"

#define PARK_SCAN_MS	100

static void cma_buf_park_scan(struct work_struct *work);

static DEFINE_MUTEX(park_lock); /* guards the list and its sum */
static LIST_HEAD(park_list);
static size_t park_bytes;
static DECLARE_DELAYED_WORK(park_work, cma_buf_park_scan);

/**
 * cma_buf_is_referenced() - does anybody but the buffer refer to its pages?
 * @buf: a buffer without mappings
 *
 * Return: true if a page has more than the allocation's own reference
 */
bool cma_buf_is_referenced(const struct cma_buf *buf)
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

static void cma_buf_park_scan(struct work_struct *work)
{
	struct cma_buf *buf, *next;

	mutex_lock(&park_lock);
	list_for_each_entry_safe(buf, next, &park_list, parked) {
		if (cma_buf_is_referenced(buf))
			continue;
		list_del(&buf->parked);
		park_bytes -= buf->size;
		cma_buf_free(buf);
		module_put(THIS_MODULE);
	}
	if (!list_empty(&park_list))
		schedule_delayed_work(&park_work,
				      msecs_to_jiffies(PARK_SCAN_MS));
	mutex_unlock(&park_lock);
}

/**
 * cma_buf_park() - free a buffer once its pages are unreferenced
 * @buf: a buffer without references, mappings or dma-bufs
 *
 * Each parked buffer holds the module, so that unloading is refused instead
 * of waiting for a pipe that may stay open for ever. The caller holds the
 * module in some other way during the call (through a queue, a dma-buf or
 * the file behind a mapping), as __module_get() demands.
 */
void cma_buf_park(struct cma_buf *buf)
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
 * cma_buf_bytes_parked() - memory that waits for its last user
 *
 * Return: bytes
 */
size_t cma_buf_bytes_parked(void)
{
	guard(mutex)(&park_lock);
	return park_bytes;
}

/**
 * cma_buf_park_for_each() - look at all parked buffers
 * @show: called for each
 * @data: passed to it
 */
void cma_buf_park_for_each(void (*show)(struct cma_buf *buf, void *data),
			   void *data)
{
	struct cma_buf *buf;

	guard(mutex)(&park_lock);

	list_for_each_entry(buf, &park_list, parked)
		show(buf, data);
}

/**
 * cma_buf_park_exit() - wait for the scan that dropped the last module
 * reference; the list is empty, or the module would not be unloaded
 */
void cma_buf_park_exit(void)
{
	cancel_delayed_work_sync(&park_work);
}
