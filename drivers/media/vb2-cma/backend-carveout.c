// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that was kept from the kernel's allocators when it booted: nobody
 * else can have taken it, and its pages may be pinned for long.
 */
#include <linux/bitmap.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "backend.h"
#include "carveout.h"
#include "vcma-buf.h"

static char *param;
module_param_named(carveout, param, charp, 0444);
MODULE_PARM_DESC(carveout,
		 "Memory for backend=carveout: the NAME of the kernel parameter reserve_mem=SIZE:ALIGN:NAME, or SIZE@START[,huge] of RAM that the kernel parameter memmap=SIZE$START or mem= excludes");

static struct vcma_carveout carveout;

static DEFINE_MUTEX(used_lock); /* guards what follows */
static unsigned long *used; /* a bit per piece; NULL: no carve-out */

static unsigned long bytes_to_pieces(size_t bytes)
{
	return DIV_ROUND_UP(bytes, PAGE_SIZE << carveout.order);
}

static size_t pieces_to_bytes(unsigned long pieces)
{
	return pieces << (PAGE_SHIFT + carveout.order);
}

static unsigned long piece_of(phys_addr_t phys)
{
	return (phys - carveout.start) >> (PAGE_SHIFT + carveout.order);
}

/*
 * First fit, which is the lowest address: where that one is out of reach, all
 * are. A page is as much alignment as any other backend promises.
 */
static int take(const struct vcma_buf *buf, phys_addr_t *phys)
{
	unsigned long total = bytes_to_pieces(carveout.size);
	unsigned long pieces = bytes_to_pieces(buf->size);
	unsigned long first;

	guard(mutex)(&used_lock);

	first = bitmap_find_next_zero_area(used, total, 0, pieces, 0);
	if (first >= total)
		return -ENOMEM;

	*phys = carveout.start + pieces_to_bytes(first);
	if (!vcma_reach_check(buf, *phys))
		return -ENOMEM;
	bitmap_set(used, first, pieces);

	return 0;
}

static void give_back(phys_addr_t phys, size_t size)
{
	guard(mutex)(&used_lock);

	bitmap_clear(used, piece_of(phys), bytes_to_pieces(size));
}

static int carveout_alloc(struct vcma_buf *buf, gfp_t gfp)
{
	phys_addr_t phys;
	int ret;

	if (!used)
		return -ENODEV;

	ret = take(buf, &phys);
	if (ret)
		return ret;

	/* What the last piece has beyond the buffer is never mapped. */
	buf->page = pfn_to_page(PHYS_PFN(phys));
	vcma_backend_clear(buf);

	return 0;
}

static void carveout_free(struct vcma_buf *buf)
{
	give_back(page_to_phys(buf->page), buf->size);
}

static int carveout_room(char *text, size_t len)
{
	unsigned long start, end, total, largest = 0, free = 0;

	if (!used)
		return scnprintf(text, len, "there is no carve-out");

	guard(mutex)(&used_lock);

	total = bytes_to_pieces(carveout.size);
	for_each_clear_bitrange(start, end, used, total) {
		free += end - start;
		largest = max(largest, end - start);
	}

	return scnprintf(text, len,
			 "%zu of %zu carve-out bytes free, %zu in one piece",
			 pieces_to_bytes(free), carveout.size,
			 pieces_to_bytes(largest));
}

static int carveout_advice(char *text, size_t len, u64 wanted)
{
	unsigned long megabytes = vcma_cma_megabytes(carveout.size, wanted);
	int n;

	if (!used)
		return scnprintf(text, len,
				 "boot with reserve_mem=%luM:2M:cmacam, load vb2-cma with carveout=cmacam",
				 megabytes);
	n = vcma_reach_advice(text, len,
			      "set carveout=SIZE@START with a lower START",
			      wanted);
	if (n)
		return n;
	if (strchr(param, '@'))
		return scnprintf(text, len,
				 "set carveout=%luM@%#llx and keep this RAM from the kernel",
				 megabytes, (u64)carveout.start);

	return scnprintf(text, len, "boot with reserve_mem=%luM:2M:%s",
			 megabytes, param);
}

const struct vcma_backend vcma_backend_carveout = {
	.name = "carveout",
	.longterm = true,
	.alloc = carveout_alloc,
	.free = carveout_free,
	.room = carveout_room,
	.advice = carveout_advice,
};

/* Ordinary pages that memblock reserved; they are mapped and stay so. */
static int find_reserved(const char *name)
{
	phys_addr_t start, size, end;

	if (!reserve_mem_find_by_name(name, &start, &size)) {
		pr_err("vb2-cma: carveout=%s: no memory of this name was reserved; boot with reserve_mem=SIZE:ALIGN:%s; if this parameter is set, the kernel had no room for the memory\n",
		       name, name);
		return -ENOENT;
	}

	end = ALIGN_DOWN(start + size, PAGE_SIZE);
	carveout.start = PAGE_ALIGN(start);
	if (carveout.start >= end) {
		pr_err("vb2-cma: carveout=%s: %llu bytes at %#llx do not contain a whole page\n",
		       name, (u64)size, (u64)start);
		return -EINVAL;
	}
	carveout.size = end - carveout.start;

	return 0;
}

/**
 * vcma_carveout_init() - find the memory that carveout= names
 *
 * Without the parameter there is none, and backend=carveout says so when it
 * is used. With a bad one the module does not load: whoever sets it wants it,
 * and would find out much later, by an error that is about something else.
 *
 * Return: 0 or a negative error code, after a message
 */
int vcma_carveout_init(void)
{
	phys_addr_t last;
	int ret;

	if (!param || !*param)
		return 0;

	if (strchr(param, '@'))
		ret = vcma_carveout_map_range(param, &carveout);
	else
		ret = find_reserved(param);
	if (ret)
		return ret;

	used = bitmap_zalloc(bytes_to_pieces(carveout.size), GFP_KERNEL);
	if (!used) {
		vcma_carveout_unmap_range();
		return -ENOMEM;
	}

	last = carveout.start + carveout.size - 1;
	pr_info("vb2-cma: carve-out from %#llx to %#llx, in pieces of %zu bytes\n",
		(u64)carveout.start, (u64)last, pieces_to_bytes(1));

	return 0;
}

/**
 * vcma_carveout_exit() - forget the memory again
 *
 * There are no buffers any more. RAM of the kernel's stays as it is, for the
 * next time that the module is loaded.
 */
void vcma_carveout_exit(void)
{
	vcma_carveout_unmap_range();
	bitmap_free(used);
}
