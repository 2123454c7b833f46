// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory from the device's CMA area.
 */
#include <linux/cma.h>
#include <linux/dma-map-ops.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>

#include "backend.h"
#include "vcma-buf.h"

/*
 * Straight from the area, not by dma_alloc_pages(): what that gives belongs to
 * the device's driver, and has to be back when the driver leaves the
 * device. These pages may stay with their users; only the mapping is undone.
 */
static int area_alloc(struct vcma_buf *buf, gfp_t gfp)
{
	unsigned long pages = buf->size >> PAGE_SHIFT;
	unsigned int align = min_t(unsigned int, get_order(buf->size),
				   CONFIG_CMA_ALIGNMENT);
	unsigned long i;

	buf->area = dev_get_cma_area(buf->dev);
	if (!buf->area)
		return -ENOMEM;
	buf->page = cma_alloc(buf->area, pages, align, true);
	if (!buf->page)
		return -ENOMEM;
	if (!vcma_reach_check(buf, page_to_phys(buf->page))) {
		cma_release(buf->area, buf->page, pages);
		return -ENOMEM;
	}

	for (i = 0; i < pages; i++) {
		clear_highpage(buf->page + i);
		cond_resched();
	}

	return 0;
}

static void area_free(struct vcma_buf *buf)
{
	cma_release(buf->area, buf->page, buf->size >> PAGE_SHIFT);
}

/**
 * vcma_cma_bytes() - size of all CMA areas
 *
 * totalcma_pages is not exported to modules; the zones know it as well.
 *
 * Return: bytes
 */
size_t vcma_cma_bytes(void)
{
	size_t pages = 0;
	int nid, zone;

	for_each_online_node(nid)
		for (zone = 0; zone < MAX_NR_ZONES; zone++)
			pages += zone_cma_pages(NODE_DATA(nid)->node_zones +
						zone);

	return pages << PAGE_SHIFT;
}

static int area_room(char *text, size_t len)
{
	return scnprintf(text, len, "%lu of %zu CMA bytes free",
			 global_zone_page_state(NR_FREE_CMA_PAGES) <<
			 PAGE_SHIFT, vcma_cma_bytes());
}

/**
 * vcma_cma_megabytes() - how large an area to recommend
 * @total: bytes there are
 * @wanted: bytes that are held and missing
 *
 * Return: MiB, a power of two
 */
unsigned long vcma_cma_megabytes(size_t total, u64 wanted)
{
	unsigned long megabytes;

	/* What there is should do for what is held and missing, yet did not */
	megabytes = roundup_pow_of_two(DIV_ROUND_UP_ULL(wanted, SZ_1M));
	if (megabytes <= total / SZ_1M)
		megabytes = roundup_pow_of_two(total / SZ_1M + 1);

	return max(megabytes, 16UL);
}

static int area_advice(char *text, size_t len, u64 wanted)
{
	int n = vcma_reach_advice(text, len, NULL, wanted);

	if (n)
		return n;

	return scnprintf(text, len, "boot with cma=%luM or more",
			 vcma_cma_megabytes(vcma_cma_bytes(), wanted));
}

const struct vcma_backend vcma_backend_cma = {
	.name = "cma",
	.alloc = area_alloc,
	.free = area_free,
	.room = area_room,
	.advice = area_advice,
};
