// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carve-out by address: RAM that the kernel was told to leave alone, and that
 * gets its struct pages here.
 */
#include <linux/align.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/kernel.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/numa.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../compat.h"
#include "carveout.h"

static struct dev_pagemap *pgmap;

static int parse(const char *text, struct vcma_carveout *carveout)
{
	unsigned long long size, start;
	char *end;

	size = memparse(text, &end);
	if (end == text || *end != '@')
		return -EINVAL;
	text = end + 1;
	start = memparse(text, &end);
	if (end == text)
		return -EINVAL;

	if (!strcmp(end, ",huge")) {
		if (!COMPAT_HAS_FOLIO_PMD)
			return -EOPNOTSUPP;
		carveout->order = PMD_SHIFT - PAGE_SHIFT;
	} else if (*end) {
		return -EINVAL;
	}
	carveout->start = start;
	carveout->size = size;

	/* What does not fit is not to become something that does. */
	return carveout->start == start && carveout->size == size ? 0 : -E2BIG;
}

/*
 * A page at a time, past the caches. If the address was a mistake after all,
 * the words there belong to somebody else: they get their content back.
 */
static bool is_ram(phys_addr_t phys)
{
	static const u32 patterns[] = { 0x12345678, 0xedcba987 };
	u32 __iomem *word = ioremap(phys, PAGE_SIZE);
	bool fine = true;
	unsigned int i;
	u32 before[2];

	if (!word)
		return false;

	before[0] = readl(word);
	before[1] = readl(word + 1);
	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		/* The second word keeps the first one off an idle bus. */
		writel(patterns[i], word);
		writel(~patterns[i], word + 1);
		fine &= readl(word) == patterns[i];
	}
	writel(before[0], word);
	writel(before[1], word + 1);
	iounmap(word);

	return fine;
}

/*
 * What memmap= excludes is a reserved range at the top of the tree. On some
 * architectures only the name says so.
 */
static bool is_reserved(const struct resource *res)
{
	return res->parent == &iomem_resource &&
	       (res->desc == IORES_DESC_RESERVED ||
		(res->name && !strcasecmp(res->name, "reserved")));
}

/* What mem= excludes is in no resource, and above all RAM in use. */
static bool is_above_ram(phys_addr_t last)
{
	return region_intersects(last + 1, iomem_resource.end - last,
				 IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) ==
	       REGION_DISJOINT;
}

/*
 * Nothing is written before the kernel's own tables allow RAM there. A range
 * can be requested within any resource that no driver has claimed, such as the
 * window of a bus or the registers of a device without a driver.
 */
static int check_place(const char *text, const struct vcma_carveout *carveout,
		       const struct resource *parent)
{
	phys_addr_t last = carveout->start + carveout->size - 1;

	if (parent == &iomem_resource ? is_above_ram(last) :
					is_reserved(parent))
		return 0;

	if (parent != &iomem_resource)
		pr_err("vb2-cma: carveout=%s: this range belongs to %s in /proc/iomem, so it is not RAM that was kept from the kernel\n",
		       text, parent->name ?: "a device");
	else
		pr_err("vb2-cma: carveout=%s: nothing is known about this range, and the kernel uses RAM above it, so mem= has not excluded it; if RAM is there, boot with memmap=%zuM$%#llx\n",
		       text, carveout->size >> 20, (u64)carveout->start);

	return -ENXIO;
}

/* Here is the last chance to find that nobody, or a device, answers there. */
static int probe_range(const char *text, const struct vcma_carveout *carveout)
{
	phys_addr_t last = carveout->start + carveout->size - 1;

	if (is_ram(carveout->start) && is_ram(last + 1 - PAGE_SIZE))
		return 0;

	pr_err("vb2-cma: carveout=%s: there is no RAM from %#llx to %#llx\n",
	       text, (u64)carveout->start, (u64)last);

	return -ENXIO;
}

/*
 * What memremap_pages() would warn of, and what it would not: it believes in
 * any address.
 */
static int check(const char *text, const struct vcma_carveout *carveout)
{
	phys_addr_t last = carveout->start + carveout->size - 1;
	unsigned long align = max(memremap_compat_align(),
				  PAGE_SIZE << carveout->order);
	struct resource *res;
	int ret;

	if (!carveout->size || last < carveout->start ||
	    !IS_ALIGNED(carveout->start | carveout->size, align)) {
		pr_err("vb2-cma: carveout=%s: size and start must be multiples of %lu bytes\n",
		       text, align);
		return -EINVAL;
	}
	if (region_intersects(carveout->start, carveout->size,
			      IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_DISJOINT) {
		pr_err("vb2-cma: carveout=%s: the kernel itself uses this RAM; boot with memmap=%zuM$%#llx or with a mem= that ends below this RAM\n",
		       text, carveout->size >> 20, (u64)carveout->start);
		return -EBUSY;
	}
	res = request_mem_region(carveout->start, carveout->size,
				 "vb2-cma carve-out");
	if (!res) {
		pr_err("vb2-cma: carveout=%s: this range is in use, or its addresses do not exist; see /proc/iomem\n",
		       text);
		return -EBUSY;
	}

	ret = check_place(text, carveout, res->parent);
	if (!ret)
		ret = probe_range(text, carveout);
	if (ret)
		release_mem_region(carveout->start, carveout->size);

	return ret;
}

static int map(const struct vcma_carveout *carveout)
{
	void *vaddr;

	pgmap = kzalloc_obj(*pgmap);
	if (!pgmap)
		return -ENOMEM;

	/* Pages that begin with a reference, that of their owner: us. */
	pgmap->type = MEMORY_DEVICE_GENERIC;
	pgmap->vmemmap_shift = carveout->order;
	pgmap->nr_range = 1;
	pgmap->range.start = carveout->start;
	pgmap->range.end = carveout->start + carveout->size - 1;

	vaddr = memremap_pages(pgmap, NUMA_NO_NODE);
	if (IS_ERR(vaddr)) {
		kfree(pgmap);
		pgmap = NULL;
		return PTR_ERR(vaddr);
	}

	return 0;
}

/**
 * vcma_carveout_map_range() - make pages of the RAM at some address
 * @text: "SIZE@START" or "SIZE@START,huge"
 * @carveout: to be filled in
 *
 * A failure is explained in the kernel's log.
 *
 * Return: 0 or a negative error code
 */
int vcma_carveout_map_range(const char *text, struct vcma_carveout *carveout)
{
	int ret;

	ret = parse(text, carveout);
	if (ret == -EOPNOTSUPP) {
		pr_err("vb2-cma: carveout=%s: this kernel cannot map memory in large pieces that can be pinned; leave out \",huge\"\n",
		       text);
		return ret;
	}
	if (ret) {
		pr_err("vb2-cma: carveout=%s is not valid: use SIZE@START, SIZE@START,huge or the NAME of a reserve_mem=SIZE:ALIGN:NAME\n",
		       text);
		return ret;
	}

	ret = check(text, carveout);
	if (ret)
		return ret;

	ret = map(carveout);
	if (ret) {
		pr_err("vb2-cma: carveout=%s: the kernel cannot create pages for this memory: %pe\n",
		       text, ERR_PTR(ret));
		release_mem_region(carveout->start, carveout->size);
	}

	return ret;
}

/* Has anybody a reference to a page besides us? */
static bool in_use(void)
{
	unsigned long pfn = PHYS_PFN(pgmap->range.start);
	unsigned long end = PHYS_PFN(pgmap->range.end + 1);

	for (; pfn < end; pfn++)
		if (page_ref_count(pfn_to_page(pfn)) > 1)
			return true;

	return false;
}

/**
 * vcma_carveout_unmap_range() - undo vcma_carveout_map_range(), if it was done
 *
 * There are no buffers any more, hence nobody who could refer to a page: a
 * buffer with such pages is parked and keeps the module. What may be left is
 * a get_user_pages_fast() that took a reference, found that the page table
 * had changed, and is about to drop it: it runs with interrupts disabled.
 */
void vcma_carveout_unmap_range(void)
{
	struct range range;
	bool lost;

	if (!pgmap)
		return;

	synchronize_rcu();
	/*
	 * memunmap_pages() does not look, and a later unpin would fault. Then
	 * rather lose the memory; the resource's name goes with the module.
	 */
	lost = WARN_ON(in_use());
	range = pgmap->range;
	if (!lost)
		memunmap_pages(pgmap);
	release_mem_region(range.start, range_len(&range));
	if (!lost)
		kfree(pgmap);
	pgmap = NULL;
}
