// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eviction: a cache writes back dirty lines whenever it likes.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/workqueue.h>

#include "noncoherent.h"

/* Of each buffer, one line in so many at a time. */
#define EVICT_SHARE	64

static void evict_again(struct work_struct *work);

static DECLARE_DELAYED_WORK(evict_work, evict_again);
static unsigned long evict_interval; /* jiffies */

/* Written by the one work item, read by whoever asks. */
static unsigned int evictions;
module_param(evictions, uint, 0444);
MODULE_PARM_DESC(evictions, "number of times that the module has evicted dirty lines");

/**
 * nc_evict_some() - evict a few lines of each buffer
 *
 * A line that the CPU wrote reaches the device's memory, whoever owns it at
 * the moment; a clean one is left alone.
 */
void nc_evict_some(void)
{
	struct nc_buffer *buf;
	dma_addr_t next = 0;

	while ((buf = nc_buffer_next(next))) {
		size_t count = nc_line_count(buf) / EVICT_SHARE + 1;

		while (count--)
			nc_lines_clean(buf, get_random_u32_below(buf->size), 1);
		next = buf->dma + buf->size;
		nc_buffer_put(buf);
	}
}

static void evict_again(struct work_struct *work)
{
	nc_evict_some();
	WRITE_ONCE(evictions, evictions + 1);
	schedule_delayed_work(&evict_work, evict_interval);
}

/**
 * nc_evict_start() - begin to evict
 * @interval: milliseconds between evictions; 0: none
 */
void nc_evict_start(unsigned int interval)
{
	if (!interval)
		return;

	evict_interval = msecs_to_jiffies(interval);
	schedule_delayed_work(&evict_work, evict_interval);
}

/**
 * nc_evict_stop() - evict no more
 */
void nc_evict_stop(void)
{
	cancel_delayed_work_sync(&evict_work);
}
