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

#include "backend.h"
#include "vcma-buf.h"

static int contig_alloc(struct vcma_buf *buf, gfp_t gfp)
{
	unsigned long pages = buf->size >> PAGE_SHIFT;
	int nid = dev_to_node(buf->dev);

	if (nid == NUMA_NO_NODE)
		nid = numa_mem_id();
	/* A bounce buffer for a whole frame is not to be had. */
	if (min_not_zero(dma_get_mask(buf->dev), buf->dev->bus_dma_limit) <=
	    DMA_BIT_MASK(32))
		gfp |= GFP_DMA32;

	buf->page = alloc_contig_pages(pages, GFP_KERNEL | __GFP_ZERO |
				       __GFP_NOWARN | gfp, nid, NULL);
	if (!buf->page)
		return -ENOMEM;

	return 0;
}

static void contig_free(struct vcma_buf *buf)
{
	free_contig_range(page_to_pfn(buf->page), buf->size >> PAGE_SHIFT);
}

const struct vcma_backend vcma_backend_contig = {
	.name = "contig",
	.longterm = true,
	.alloc = contig_alloc,
	.free = contig_free,
};
