// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory from the device's CMA area.
 */
#include <linux/atomic.h>
#include <linux/highmem.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>

#include "backend.h"
#include "vcma-buf.h"

static atomic_long_t held_bytes; /* in buffers */
static atomic_long_t refused_bytes; /* of the last allocation, if it failed */

/*
 * What was freed a moment ago is not in the area yet, and may be all of it.
 * Were new buffers put around it, the area would be in pieces afterwards.
 */
static int area_alloc(struct vcma_buf *buf, gfp_t gfp)
{
	bool zeroed = false;
	unsigned long i;

	atomic_long_set(&refused_bytes, 0);
	vcma_wait_until_freed();
	if (mutex_lock_killable(&vcma_isolation_lock))
		return -EINTR;
	buf->page = vcma_area_take(buf, &zeroed);
	mutex_unlock(&vcma_isolation_lock);
	if (!buf->page) {
		atomic_long_set(&refused_bytes, buf->size);
		return -ENOMEM;
	}
	if (!vcma_reach_check(buf, page_to_phys(buf->page))) {
		vcma_area_give_back(buf);
		return -ENOMEM;
	}

	for (i = 0; !zeroed && i < buf->size >> PAGE_SHIFT; i++) {
		clear_highpage(buf->page + i);
		cond_resched();
	}
	atomic_long_add(buf->size, &held_bytes);

	return 0;
}

static void area_free(struct vcma_buf *buf)
{
	atomic_long_sub(buf->size, &held_bytes);
	vcma_area_give_back(buf);
}

/*
 * The size of all CMA areas, for messages: modules cannot ask for the size of
 * one area, nor for totalcma_pages. If other areas exist (hugetlb_cma, those of
 * other devices), a message names more memory than there is for frames, and
 * area_advice() recommends a larger area than necessary, never a smaller one.
 */
static size_t all_areas(void)
{
	size_t pages = 0;
	int nid, zone;

	for_each_online_node(nid)
		for (zone = 0; zone < MAX_NR_ZONES; zone++)
			pages += zone_cma_pages(NODE_DATA(nid)->node_zones +
						zone);

	return pages << PAGE_SHIFT;
}

static size_t free_bytes(void)
{
	return global_zone_page_state(NR_FREE_CMA_PAGES) << PAGE_SHIFT;
}

/*
 * The kernel lends the area to pages that it can move elsewhere. While a page
 * is in use for I/O, or is pinned, the kernel cannot.
 *
 * Returns the bytes that are lent, if the last allocation would have had room
 * without them.
 */
static size_t busy_bytes(void)
{
	size_t total = all_areas();
	size_t held = atomic_long_read(&held_bytes);
	size_t refused = atomic_long_read(&refused_bytes);
	size_t free = free_bytes();

	if (!refused || total - held < refused || total - held < free)
		return 0;

	return total - held - free;
}

static int area_room(char *text, size_t len)
{
	size_t busy = busy_bytes();
	int n;

	if (!IS_ENABLED(CONFIG_DMA_CMA))
		return scnprintf(text, len, "this kernel has no CMA");

	n = scnprintf(text, len, "%zu of %zu CMA bytes free", free_bytes(),
		      all_areas());
	if (busy)
		n += scnprintf(text + n, len - n,
			       ", %zu busy with other pages that the kernel cannot move now",
			       busy);

	return n;
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
	int n;

	if (!IS_ENABLED(CONFIG_DMA_CMA)) {
		n = scnprintf(text, len, "set backend=carveout and ");
		return n + vcma_backend_carveout.advice(text + n, len - n,
							wanted);
	}

	n = vcma_reach_advice(text, len, NULL, wanted);
	if (n)
		return n;
	if (busy_bytes())
		return scnprintf(text, len,
				 "try again later, or set backend=auto");

	return scnprintf(text, len, "boot with cma=%luM or more",
			 vcma_cma_megabytes(all_areas(), wanted));
}

const struct vcma_backend vcma_backend_cma = {
	.name = "cma",
	.frozen = true,
	.alloc = area_alloc,
	.free = area_free,
	.room = area_room,
	.advice = area_advice,
};
