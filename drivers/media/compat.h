/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What may break with the next kernel: what differs between the kernels that
 * the modules build for, and what stands on headers not meant for drivers.
 */
#ifndef CMACAM_COMPAT_H
#define CMACAM_COMPAT_H

#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/iommu-dma.h>
#include <linux/minmax.h>

/*
 * Whether a device can address memory by itself, without a bounce buffer. An
 * IOMMU maps any memory to where the device can see it.
 *
 * The drivers' own interface does not say so: the mask and the limit are for
 * bus addresses, and a mapping that works does not tell whether it bounces.
 * dma_capable() cannot be used: from Linux 7.3 on it calls a function that
 * modules cannot link with.
 */
static inline bool compat_dma_in_reach(struct device *dev, phys_addr_t phys,
				       size_t size)
{
	dma_addr_t addr;

	if (use_dma_iommu(dev))
		return true;

	addr = phys_to_dma(dev, phys);
	if (addr == DMA_MAPPING_ERROR) /* the bus has no address for it */
		return false;

	return addr + size - 1 <= min_not_zero(dma_get_mask(dev),
					       dev->bus_dma_limit);
}

#endif /* CMACAM_COMPAT_H */
