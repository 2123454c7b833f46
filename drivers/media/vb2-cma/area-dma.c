// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a CMA area by dma_alloc_pages(), for kernels that do not let modules
 * allocate from an area directly.
 *
 * Such pages belong to the device that they were allocated for, and have to be
 * back when a driver leaves this device. Therefore they are allocated for
 * devices of this module, which no driver ever uses. The engine maps them as it
 * maps pages of any other source. So frames outlive the engine here as well.
 */
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "../compat.h"
#include "backend.h"
#include "vcma-buf.h"

/**
 * struct vcma_source - a device that allocates from one CMA area
 * @list: entry in the list of all sources
 * @pdev: the device; its area is NULL for the default area
 */
struct vcma_source {
	struct list_head list;
	struct platform_device *pdev;
};

static DEFINE_MUTEX(sources_lock); /* guards the list; entries stay */
static LIST_HEAD(sources);
static int source_count;

static struct vcma_source *add_source(struct cma *area)
{
	struct platform_device *pdev;
	struct vcma_source *source;

	source = kzalloc_obj(*source);
	if (!source)
		return NULL;

	pdev = platform_device_register_simple("vb2-cma-source", source_count,
					       NULL, 0);
	if (IS_ERR(pdev)) {
		kfree(source);
		return NULL;
	}
	/* What the engine reaches is another question: vcma_reach_check(). */
	dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	pdev->dev.cma_area = area;

	source->pdev = pdev;
	source_count++;
	list_add(&source->list, &sources);

	return source;
}

/*
 * Areas are never removed, so a source outlives the engine that made it
 * necessary. There are as many as areas.
 */
static struct device *find_source(struct cma *area)
{
	struct vcma_source *source;

	guard(mutex)(&sources_lock);

	list_for_each_entry(source, &sources, list)
		if (source->pdev->dev.cma_area == area)
			return &source->pdev->dev;

	source = add_source(area);

	return source ? &source->pdev->dev : NULL;
}

/*
 * If the area has no room, the kernel offers a piece of other memory instead.
 * It is refused: only its first page has a reference, so it cannot be mapped
 * to user space, and the backend contig does better. A single page is taken
 * from wherever it is.
 */
struct page *vcma_area_take(struct vcma_buf *buf, bool *zeroed)
{
	struct device *dev = find_source(buf->dev->cma_area);
	struct page *page;
	dma_addr_t addr;

	/* These pages would be decrypted, where memory is encrypted. */
	if (!dev || compat_dma_always_bounces(dev))
		return NULL;

	page = dma_alloc_pages(dev, buf->size, &addr, DMA_BIDIRECTIONAL,
			       GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!page)
		return NULL;
	buf->area = dev;
	if (page_ref_count(page + (buf->size >> PAGE_SHIFT) - 1) != 1) {
		dma_free_pages(dev, buf->size, page, addr, DMA_BIDIRECTIONAL);
		return NULL;
	}
	*zeroed = true;

	return page;
}

void vcma_area_give_back(struct vcma_buf *buf)
{
	struct device *dev = buf->area;

	dma_free_pages(dev, buf->size, buf->page,
		       phys_to_dma(dev, page_to_phys(buf->page)),
		       DMA_BIDIRECTIONAL);
}

void vcma_area_exit(void)
{
	struct vcma_source *source, *next;

	list_for_each_entry_safe(source, next, &sources, list) {
		platform_device_unregister(source->pdev);
		kfree(source);
	}
}
