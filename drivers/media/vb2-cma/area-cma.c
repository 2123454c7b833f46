// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a CMA area, straight from the area. This file is for kernels that
 * let modules do so; area-dma.c is for the others.
 *
 * All kernels have dma_alloc_pages(). But this function never returns highmem,
 * where 32-bit ARM puts the default area on a machine with more than 1 GB. If
 * the area has no room, the function takes other memory without notice.
 */
#include <linux/cma.h>
#include <linux/dma-map-ops.h>
#include <linux/mm.h>

#include "backend.h"
#include "vcma-buf.h"

struct page *vcma_area_take(struct vcma_buf *buf, bool *zeroed)
{
	unsigned int align = min_t(unsigned int, get_order(buf->size),
				   CONFIG_CMA_ALIGNMENT);

	buf->area = dev_get_cma_area(buf->dev);
	if (!buf->area)
		return NULL;

	return cma_alloc(buf->area, buf->size >> PAGE_SHIFT, align, true);
}

void vcma_area_give_back(struct vcma_buf *buf)
{
	cma_release(buf->area, buf->page, buf->size >> PAGE_SHIFT);
}

void vcma_area_exit(void)
{
}
