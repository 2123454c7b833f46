/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The carve-out: memory that the kernel's allocators do not use, but which has
 * struct pages.
 */
#ifndef VCMA_CARVEOUT_H
#define VCMA_CARVEOUT_H

#include <linux/errno.h>
#include <linux/kconfig.h>
#include <linux/types.h>

/**
 * struct vcma_carveout - the memory of the carve-out
 * @start: physical address
 * @size: bytes; 0: there is no carve-out
 * @order: memory comes in pieces of 2 to the power of @order pages; each piece
 *	is one folio, whose reference count is that of its first page
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
	return -EOPNOTSUPP;
}

static inline void vcma_carveout_unmap_range(void)
{
}
#endif

#endif
