/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two views of memory, the CPU's and a device's, joined line by line.
 */
#ifndef NONCOHERENT_H
#define NONCOHERENT_H

#include <linux/dma-map-ops.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#define NC_LINE		64
#define NC_POISON	0xdb

/**
 * struct nc_device - a device whose DMA goes to shadows
 * @list: entry in the list of all of them
 * @dev: the device
 * @users: one while a driver is bound, one for each buffer
 * @bound: a driver is bound; changed under the device's lock
 */
struct nc_device {
	struct list_head list;
	struct device *dev;
	refcount_t users;
	bool bound;
};

/**
 * struct nc_buffer - a range of memory that the CPU and a device see apart
 * @by_cpu: entry in the tree of allocations, sorted by @phys; foreign memory
 *	may be mapped more than once and is not in it
 * @by_dma: entry in the tree of all buffers, sorted by @dma
 * @owner: the device that sees the shadow
 * @phys: start of what the CPU sees
 * @dma: start of what the device sees; equal to @phys for coherent memory
 * @size: bytes
 * @cpu_pages: the CPU's memory, if it was allocated here
 * @shadow: the device's memory; none for coherent memory
 * @refs: the allocation, and each mapping of it
 * @lock: held for moments, so that two never work on one line
 * @lines: hash of each line as the CPU's cache was filled with it. A line
 *	that no longer fits is one the CPU wrote: dirty, in terms of a cache.
 */
struct nc_buffer {
	struct rb_node by_cpu;
	struct rb_node by_dma;
	struct nc_device *owner;
	phys_addr_t phys;
	dma_addr_t dma;
	size_t size;
	struct page *cpu_pages;
	struct page *shadow;
	refcount_t refs;
	spinlock_t lock; /* see above */
	u32 *lines;
};

/* device.c: which devices */
int nc_device_add(struct device *dev);
bool nc_device_remove(struct device *dev);
struct nc_device *nc_device_get(struct device *dev);
void nc_device_put(struct nc_device *nc);
void nc_devices_wait(void);

/* shadow.c: buffers */
struct nc_buffer *nc_buffer_alloc(struct device *dev, size_t size, gfp_t gfp,
				  bool coherent);
struct nc_buffer *nc_buffer_map(struct device *dev, phys_addr_t phys,
				size_t size);
struct nc_buffer *nc_buffer_get(struct device *dev, dma_addr_t dma);
void nc_buffer_put(struct nc_buffer *buf);
struct nc_buffer *nc_buffer_next(dma_addr_t dma);

/* lines.c: what a cache does */
void nc_lines_load(struct nc_buffer *buf);
void nc_lines_fill(struct nc_buffer *buf, size_t offset, size_t size);
void nc_lines_clean(struct nc_buffer *buf, size_t offset, size_t size);
void nc_lines_invalidate(struct nc_buffer *buf, size_t offset, size_t size);
size_t nc_line_count(const struct nc_buffer *buf);

/* ops.c */
extern const struct dma_map_ops nc_dma_ops;

/* evict.c */
void nc_evict_start(unsigned int interval);
void nc_evict_stop(void);
void nc_evict_some(void);

/* selftest.c */
int nc_selftest(void);

#endif
