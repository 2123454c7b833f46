/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fault for vb2-cma. This header is included before each source of vb2-cma.
 * The driver then counts the bytes that it synchronises, but it does not call
 * the DMA API.
 */
#include <linux/dma-mapping.h>

static inline void no_sync(struct device *dev, dma_addr_t addr,
			   unsigned long offset, size_t size,
			   enum dma_data_direction dir)
{
}

#define dma_sync_single_range_for_cpu no_sync
#define dma_sync_single_range_for_device no_sync
