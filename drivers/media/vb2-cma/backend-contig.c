// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contiguous memory from anywhere in RAM: no boot parameter, and pages that
 * may be pinned for long. What is in the way is moved elsewhere.
 */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/topology.h>

#include "../compat.h"
#include "backend.h"
#include "vcma-buf.h"

static void contig_free(struct vcma_buf *buf)
{
	free_contig_range(page_to_pfn(buf->page), buf->size >> PAGE_SHIFT);
}

/*
 * The zones from the largest to the smallest. What the device reaches does not
 * tell which zone suits it, because its addresses may differ from the CPU's: a
 * piece of memory does tell. Highmem comes first: frames need no mapping of the
 * kernel, and everything that does has little room.
 */
static int contig_alloc(struct vcma_buf *buf, gfp_t gfp)
{
	static const gfp_t zones[] = {
#ifdef CONFIG_HIGHMEM
		__GFP_HIGHMEM,
#endif
		0, GFP_DMA32, GFP_DMA,
	};
	unsigned long pages = buf->size >> PAGE_SHIFT;
	int nid = dev_to_node(buf->dev);
	unsigned int i;

	if (nid == NUMA_NO_NODE)
		nid = numa_mem_id();

	for (i = 0; i < ARRAY_SIZE(zones); i++) {
		/* Only a hint: a piece may be in reach by chance. */
		if (!zones[i] && IS_ENABLED(CONFIG_ZONE_DMA32) &&
		    min_not_zero(dma_get_mask(buf->dev),
				 buf->dev->bus_dma_limit) <= DMA_BIT_MASK(32))
			continue;

		if (mutex_lock_killable(&vcma_isolation_lock))
			return -EINTR;
		buf->page = alloc_contig_pages(pages, GFP_KERNEL |
					       __GFP_NOWARN | gfp | zones[i],
					       nid, NULL);
		mutex_unlock(&vcma_isolation_lock);
		if (!buf->page)
			return -ENOMEM;
		if (vcma_reach_check(buf, page_to_phys(buf->page))) {
			vcma_backend_clear(buf);
			return 0;
		}
		contig_free(buf);
	}

	return -ENOMEM;
}

const struct vcma_backend vcma_backend_contig = {
	.name = "contig",
	.longterm = true,
	.alloc = contig_alloc,
	.free = contig_free,
};
