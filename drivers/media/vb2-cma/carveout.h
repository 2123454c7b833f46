/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The carve-out, which is memory that the kernel's allocators do not use. This
 * memory has struct pages.
 */
#ifndef VCMA_CARVEOUT_H
#define VCMA_CARVEOUT_H

#include <linux/errno.h>
#include <linux/kconfig.h>
#include <linux/printk.h>
#include <linux/types.h>

/**
 * struct vcma_carveout - the memory of the carve-out
 * @start: physical address of the first byte
 * @size: size, bytes; 0 if there is no carve-out
 * @order: order of a piece, which has 2 to the power of @order pages. The
 *	carve-out is allocated in whole pieces. Each piece is one folio. The
 *	reference count of the folio is in the first page.
 */
struct vcma_carveout {
	phys_addr_t start;
	size_t size;
	unsigned int order;
};

/* carveout-range.c: memory that the kernel does not use as RAM */
#ifdef CONFIG_ZONE_DEVICE
int vcma_carveout_map_range(const char *text, struct vcma_carveout *carveout);
void vcma_carveout_unmap_range(void);
#else
static inline int vcma_carveout_map_range(const char *text,
					  struct vcma_carveout *carveout)
{
	pr_err("vb2-cma: carveout=%s: this kernel has no ZONE_DEVICE, which SIZE@START needs; use the NAME of a reserve_mem=SIZE:ALIGN:NAME\n",
	       text);
	return -EOPNOTSUPP;
}

static inline void vcma_carveout_unmap_range(void)
{
}
#endif

#endif
