/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Simulation of a non-coherent cache. The CPU and a device see separate copies
 * of the same memory. Cache maintenance copies single lines between the two
 * copies.
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
 * struct nc_device - a device whose DMA accesses shadow memory
 * @list: entry in the list of all &struct nc_device
 * @dev: the device
 * @users: reference count: one while a driver is bound, and one for each buffer
 * @bound: true while a driver is bound to the device; changes only with the
 *	device's lock held
 */
struct nc_device {
	struct list_head list;
	struct device *dev;
	refcount_t users;
	bool bound;
};

/**
 * struct nc_buffer - memory with a copy for the CPU and a copy for a device
 * @by_cpu: entry in the tree of allocations, sorted by @phys. Memory that this
 *	module did not allocate is not in the tree, because such memory can be
 *	mapped more than once.
 * @by_dma: entry in the tree of all buffers, sorted by @dma
 * @owner: device that accesses the shadow
 * @phys: start of the memory that the CPU accesses
 * @dma: start of the memory that the device accesses; equal to @phys for
 *	coherent memory
 * @size: size of the memory, bytes
 * @cpu_pages: memory for the CPU; NULL if this module did not allocate
 *	the memory
 * @shadow: memory for the device; NULL for coherent memory
 * @refs: reference count: one for the allocation, and one for each mapping
 * @lock: held while one line is processed, so that two CPUs never change the
 *	same line at the same time
 * @lines: hash of each line of the CPU's copy after the last cache operation on
 *	that line. If the hash of a line no longer matches, the CPU has written
 *	to the line. In a cache, this line would be dirty.
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
	spinlock_t lock; /* see the kernel-doc above */
	u32 *lines;
};

/* device.c: the devices */
int nc_device_add(struct device *dev);
bool nc_device_remove(struct device *dev);
struct nc_device *nc_device_get(struct device *dev);
void nc_device_put(struct nc_device *nc);
void nc_devices_wait(void);

/* shadow.c: the buffers */
struct nc_buffer *nc_buffer_alloc(struct device *dev, size_t size, gfp_t gfp,
				  bool coherent);
struct nc_buffer *nc_buffer_map(struct device *dev, phys_addr_t phys,
				size_t size);
struct nc_buffer *nc_buffer_get(struct device *dev, dma_addr_t dma);
void nc_buffer_put(struct nc_buffer *buf);
struct nc_buffer *nc_buffer_next(dma_addr_t dma);

/* lines.c: cache operations on the lines of a buffer */
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
