// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers: the CPU's memory, the device's shadow, and how to find them.
 */
#include <linux/device.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "../compat.h"
#include "noncoherent.h"

static DEFINE_SPINLOCK(trees_lock); /* guards both trees */
static struct rb_root cpu_tree = RB_ROOT;
static struct rb_root dma_tree = RB_ROOT;

static bool less_by_cpu(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct nc_buffer, by_cpu)->phys <
	       rb_entry(b, struct nc_buffer, by_cpu)->phys;
}

static bool less_by_dma(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct nc_buffer, by_dma)->dma <
	       rb_entry(b, struct nc_buffer, by_dma)->dma;
}

static int within(u64 key, u64 start, size_t size)
{
	if (key < start)
		return -1;
	return key - start >= size;
}

static int find_by_cpu(const void *key, const struct rb_node *node)
{
	const struct nc_buffer *buf = rb_entry(node, struct nc_buffer, by_cpu);

	return within(*(const phys_addr_t *)key, buf->phys, buf->size);
}

static int find_by_dma(const void *key, const struct rb_node *node)
{
	const struct nc_buffer *buf = rb_entry(node, struct nc_buffer, by_dma);

	return within(*(const dma_addr_t *)key, buf->dma, buf->size);
}

static void free_pages_each(struct page *pages, size_t size)
{
	size_t i;

	for (i = 0; pages && i < PAGE_ALIGN(size) >> PAGE_SHIFT; i++)
		__free_page(pages + i);
}

/*
 * Each page has a reference of its own, as pages from CMA have, so that they
 * can be mapped to user space and outlive the buffer one by one. Memory
 * beyond the page allocator's orders needs a context that may sleep.
 */
static struct page *alloc_pages_each(size_t size, gfp_t gfp)
{
	size_t pages = PAGE_ALIGN(size) >> PAGE_SHIFT;
	void *mem = NULL;

	gfp |= __GFP_NOWARN;
	if (pages <= MAX_ORDER_NR_PAGES)
		mem = alloc_pages_exact(pages << PAGE_SHIFT, gfp);
	if (mem)
		return virt_to_page(mem);
	if (!gfpflags_allow_blocking(gfp))
		return NULL;

	return alloc_contig_pages(pages, gfp, numa_mem_id(), NULL);
}

/* Memory that the device can address, by its mask of the moment. */
static struct page *alloc_reachable(struct device *dev, size_t size, gfp_t gfp)
{
	u64 mask = min_not_zero(dma_get_mask(dev), dev->coherent_dma_mask);
	struct page *pages;

	if (mask <= DMA_BIT_MASK(32))
		return alloc_pages_each(size, gfp | GFP_DMA32);

	pages = alloc_pages_each(size, gfp);
	if (pages && page_to_phys(pages) + size - 1 > mask) {
		free_pages_each(pages, size);
		pages = alloc_pages_each(size, gfp | GFP_DMA32);
	}

	return pages;
}

static void release(struct nc_buffer *buf)
{
	struct nc_device *owner = buf->owner;

	free_pages_each(buf->cpu_pages, buf->size);
	free_pages_each(buf->shadow, buf->phys % PAGE_SIZE + buf->size);
	kvfree(buf->lines);
	kfree(buf);
	nc_device_put(owner);
}

static struct nc_buffer *create(struct device *dev, size_t size, gfp_t gfp)
{
	struct nc_buffer *buf = kzalloc_obj(*buf, gfp);

	if (!buf)
		return NULL;

	buf->size = size;
	buf->owner = nc_device_get(dev);
	refcount_set(&buf->refs, 1);
	spin_lock_init(&buf->lock);
	RB_CLEAR_NODE(&buf->by_cpu);
	if (!buf->owner) {
		kfree(buf);
		return NULL;
	}

	return buf;
}

/* The shadow lies in its first page as the CPU's memory does in its own. */
static bool add_shadow(struct nc_buffer *buf, gfp_t gfp)
{
	size_t offset = buf->phys % PAGE_SIZE;

	buf->lines = kvmalloc_array(nc_line_count(buf), sizeof(*buf->lines),
				    gfp | __GFP_NOWARN);
	buf->shadow = alloc_reachable(buf->owner->dev, offset + buf->size,
				      gfp);
	if (!buf->lines || !buf->shadow)
		return false;

	buf->dma = page_to_phys(buf->shadow) + offset;

	return true;
}

static void publish(struct nc_buffer *buf)
{
	guard(spinlock_irqsave)(&trees_lock);
	rb_add(&buf->by_dma, &dma_tree, less_by_dma);
	if (buf->cpu_pages)
		rb_add(&buf->by_cpu, &cpu_tree, less_by_cpu);
}

/**
 * nc_buffer_alloc() - allocate memory for the CPU and a device
 * @dev: the device
 * @size: bytes, a multiple of the page size
 * @gfp: as given to the DMA API
 * @coherent: one memory for both, zeroed; else two, poisoned
 *
 * Return: the buffer with one reference, or NULL
 */
struct nc_buffer *nc_buffer_alloc(struct device *dev, size_t size, gfp_t gfp,
				  bool coherent)
{
	struct nc_buffer *buf;

	gfp &= ~__GFP_ZERO;
	buf = create(dev, size, gfp);
	if (!buf)
		return NULL;

	buf->cpu_pages = coherent ? alloc_reachable(dev, size, gfp) :
				    alloc_pages_each(size, gfp);
	if (!buf->cpu_pages)
		goto err_release;

	buf->phys = page_to_phys(buf->cpu_pages);
	buf->dma = buf->phys;
	memset(phys_to_virt(buf->phys), coherent ? 0 : NC_POISON, size);
	if (!coherent) {
		if (!add_shadow(buf, gfp))
			goto err_release;
		nc_lines_load(buf);
	}
	publish(buf);

	return buf;

err_release:
	release(buf);
	return NULL;
}

static struct nc_buffer *get_by_cpu(struct device *dev, phys_addr_t phys,
				    size_t size)
{
	struct nc_buffer *buf;
	struct rb_node *node;

	guard(spinlock_irqsave)(&trees_lock);
	node = rb_find(&phys, &cpu_tree, find_by_cpu);
	if (!node)
		return NULL;

	buf = rb_entry(node, struct nc_buffer, by_cpu);
	if (buf->owner->dev != dev || phys - buf->phys + size > buf->size)
		return NULL;
	refcount_inc(&buf->refs);

	return buf;
}

/**
 * nc_buffer_map() - let a device see memory that exists
 * @dev: the device
 * @phys: start of it
 * @size: bytes
 *
 * Memory that was allocated for this device has a shadow already, which is
 * the one to use: an exported and re-imported buffer is still one buffer.
 * Other memory gets a shadow with its content.
 *
 * Return: the buffer with one more reference, or NULL
 */
struct nc_buffer *nc_buffer_map(struct device *dev, phys_addr_t phys,
				size_t size)
{
	struct nc_buffer *buf = get_by_cpu(dev, phys, size);
	gfp_t gfp = GFP_ATOMIC;

	if (buf)
		return buf;
	if (!pfn_valid(PHYS_PFN(phys)))
		return NULL;

	/* Mapping is allowed anywhere, and does not say where it is called. */
	if (preemptible() && !rcu_preempt_depth())
		gfp = GFP_NOIO;

	buf = create(dev, size, gfp);
	if (!buf)
		return NULL;

	buf->phys = phys;
	if (!add_shadow(buf, gfp)) {
		release(buf);
		return NULL;
	}
	nc_lines_load(buf);
	publish(buf);

	return buf;
}

/**
 * nc_buffer_get() - find a buffer by an address of the device
 * @dev: the device
 * @dma: any address within the buffer
 *
 * Return: the buffer with one more reference, or NULL
 */
struct nc_buffer *nc_buffer_get(struct device *dev, dma_addr_t dma)
{
	struct nc_buffer *buf;
	struct rb_node *node;

	guard(spinlock_irqsave)(&trees_lock);
	node = rb_find(&dma, &dma_tree, find_by_dma);
	if (!node)
		return NULL;

	buf = rb_entry(node, struct nc_buffer, by_dma);
	if (buf->owner->dev != dev)
		return NULL;
	refcount_inc(&buf->refs);

	return buf;
}

/**
 * nc_buffer_next() - walk through all buffers
 * @dma: where to begin
 *
 * Return: the first buffer at or above @dma with one more reference, or NULL
 */
struct nc_buffer *nc_buffer_next(dma_addr_t dma)
{
	struct nc_buffer *found = NULL;
	struct rb_node *node;

	guard(spinlock_irqsave)(&trees_lock);
	node = dma_tree.rb_node;
	while (node) {
		struct nc_buffer *buf = rb_entry(node, struct nc_buffer,
						 by_dma);

		if (buf->dma >= dma) {
			found = buf;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	if (found)
		refcount_inc(&found->refs);

	return found;
}

/**
 * nc_buffer_put() - drop a reference; the last one frees the buffer
 * @buf: the buffer
 */
void nc_buffer_put(struct nc_buffer *buf)
{
	scoped_guard(spinlock_irqsave, &trees_lock) {
		if (!refcount_dec_and_test(&buf->refs))
			return;
		rb_erase(&buf->by_dma, &dma_tree);
		if (!RB_EMPTY_NODE(&buf->by_cpu))
			rb_erase(&buf->by_cpu, &cpu_tree);
	}
	release(buf);
}
