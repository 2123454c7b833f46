// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory from the device's CMA area.
 */
#include <linux/atomic.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/sizes.h>
#include <linux/vmstat.h>

#include "backend.h"
#include "vcma-buf.h"

static atomic64_t held_bytes; /* in buffers */
static atomic64_t refused_bytes; /* of the last allocation, if it failed */

/*
 * What was freed a moment ago is not in the area yet, and may be all of it.
 * Were new buffers put around it, the area would be in pieces afterwards.
 */
static int area_alloc(struct vcma_buf *buf, gfp_t gfp)
{
	bool zeroed = false;

	atomic64_set(&refused_bytes, 0);
	vcma_wait_until_freed();
	if (mutex_lock_killable(&vcma_isolation_lock))
		return -EINTR;
	buf->page = vcma_area_take(buf, &zeroed);
	mutex_unlock(&vcma_isolation_lock);
	if (!buf->page) {
		atomic64_set(&refused_bytes, buf->size);
		return -ENOMEM;
	}
	if (!vcma_reach_check(buf, page_to_phys(buf->page))) {
		vcma_area_give_back(buf);
		return -ENOMEM;
	}

	if (!zeroed)
		vcma_backend_clear(buf);
	atomic64_add(buf->size, &held_bytes);

	return 0;
}

static void area_free(struct vcma_buf *buf)
{
	atomic64_sub(buf->size, &held_bytes);
	vcma_area_give_back(buf);
}

/*
 * The size of all CMA areas, for messages: modules cannot ask for the size of
 * one area, nor for totalcma_pages. If other areas exist (hugetlb_cma, those of
 * other devices), a message names more memory than there is for frames, and
 * area_advice() recommends a larger area than necessary, never a smaller one.
 * A machine with addresses of 32 bits may have more memory than these reach.
 */
static u64 all_areas(void)
{
	u64 pages = 0;
	int nid, zone;

	for_each_online_node(nid)
		for (zone = 0; zone < MAX_NR_ZONES; zone++)
			pages += zone_cma_pages(NODE_DATA(nid)->node_zones +
						zone);

	return pages << PAGE_SHIFT;
}

static u64 free_bytes(void)
{
	return (u64)global_zone_page_state(NR_FREE_CMA_PAGES) << PAGE_SHIFT;
}

/*
 * The kernel lends the area to pages that it can move elsewhere. While a page
 * is in use for I/O, or is pinned, the kernel cannot.
 *
 * Returns the bytes that are lent, if the last allocation would have had room
 * without them.
 */
static u64 busy_bytes(void)
{
	u64 total = all_areas();
	u64 held = atomic64_read(&held_bytes);
	u64 refused = atomic64_read(&refused_bytes);
	u64 free = free_bytes();

	if (!refused || total - held < refused || total - held < free)
		return 0;

	return total - held - free;
}

static int area_room(char *text, size_t len)
{
	u64 busy = busy_bytes();
	int n;

	if (!IS_ENABLED(CONFIG_DMA_CMA))
		return scnprintf(text, len, "this kernel has no CMA");

	n = scnprintf(text, len, "%llu of %llu CMA bytes free", free_bytes(),
		      all_areas());
	if (busy)
		n += scnprintf(text + n, len - n,
			       ", %llu busy with other pages that the kernel cannot move now",
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
unsigned long vcma_cma_megabytes(u64 total, u64 wanted)
{
	unsigned long existing = total >> 20;
	unsigned long megabytes;

	/* What there is should do for what is held and missing, yet did not */
	megabytes = roundup_pow_of_two(DIV_ROUND_UP_ULL(wanted, SZ_1M));
	if (megabytes <= existing)
		megabytes = roundup_pow_of_two(existing + 1);

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
