/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code that the next kernel version may break: workarounds for differences
 * between the supported kernels, and code that uses headers that are not meant
 * for drivers.
 */
#ifndef CMACAM_COMPAT_H
#define CMACAM_COMPAT_H

#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/iommu-dma.h>
#include <linux/minmax.h>
#include <linux/swiotlb.h>

/*
 * Returns whether a device can address memory directly, without a bounce
 * buffer. An IOMMU maps any memory to an address that the device can access.
 *
 * The DMA API for drivers cannot answer this question. The DMA mask and the bus
 * limit apply to bus addresses, and a successful mapping may use a bounce
 * buffer. This module cannot call dma_capable(): from Linux 7.3 on,
 * dma_capable() calls a function that is not available to modules.
 */
static inline bool compat_dma_in_reach(struct device *dev, phys_addr_t phys,
				       size_t size)
{
	dma_addr_t addr;

	if (use_dma_iommu(dev))
		return true;

	addr = phys_to_dma(dev, phys);
	if (addr == DMA_MAPPING_ERROR) /* no bus address */
		return false;

	return addr + size - 1 <= min_not_zero(dma_get_mask(dev),
					       dev->bus_dma_limit);
}

/*
 * Returns the first physical address that is out of a device's reach, or 0 if
 * this address is unknown. Memory at higher addresses needs an IOMMU.
 */
static inline u64 compat_dma_reach_end(struct device *dev)
{
	u64 last = min_not_zero(dma_get_mask(dev), dev->bus_dma_limit);
	phys_addr_t phys = dma_to_phys(dev, last);

	return phys == (phys_addr_t)DMA_MAPPING_ERROR ? 0 : (u64)phys + 1;
}

/* Returns whether the DMA addresses of a device are addresses of an IOMMU. */
static inline bool compat_dma_uses_iommu(struct device *dev)
{
	return use_dma_iommu(dev);
}

/*
 * Returns whether the kernel uses a bounce buffer for all DMA of a device, even
 * if the device could address the memory: with the kernel parameter
 * swiotlb=force, and in virtual machines with encrypted memory.
 */
static inline bool compat_dma_always_bounces(struct device *dev)
{
	return !use_dma_iommu(dev) && is_swiotlb_force_bounce(dev);
}

/*
 * Returns whether a device may snoop the caches although dma_need_sync() says
 * that there is maintenance for it. For devices behind an IOMMU, and for those
 * with DMA operations of their own, dma_need_sync() does not know better.
 */
static inline bool compat_dma_may_snoop(struct device *dev)
{
	if (use_dma_iommu(dev))
		return dev_is_dma_coherent(dev);

	return get_dma_ops(dev);
}

#endif /* CMACAM_COMPAT_H */
