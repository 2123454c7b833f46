/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code that the next kernel version may break: workarounds for differences
 * between the supported kernels, and code that uses headers that are not meant
 * for drivers.
 *
 * The drivers are written for the newest supported kernel. For an older kernel,
 * this header defines what the kernel lacks, by the name that it has in newer
 * kernels if possible. The macros COMPAT_NO_... come from compat.mk.
 */
#ifndef CMACAM_COMPAT_H
#define CMACAM_COMPAT_H

#include <linux/bits.h>
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/dma-direct.h>
#include <linux/dma-fence.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/iommu-dma.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/page-isolation.h>
#include <linux/pfn.h>
#include <linux/pm_runtime.h>
#include <linux/sched/signal.h>
#include <linux/swiotlb.h>
#include <linux/version.h>
#include <media/v4l2-fh.h>
#ifdef CONFIG_ARM_DMA_USE_IOMMU
#include <asm/dma-iommu.h>
#endif

/* Returns whether the DMA addresses of a device are addresses of an IOMMU. */
static inline bool compat_dma_uses_iommu(struct device *dev)
{
#ifdef CONFIG_ARM_DMA_USE_IOMMU
	/* 32-bit ARM does not use the kernel's common code for IOMMUs. */
	if (to_dma_iommu_mapping(dev))
		return true;
#endif
	return use_dma_iommu(dev);
}

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

	if (compat_dma_uses_iommu(dev))
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

/*
 * Returns whether the kernel uses a bounce buffer for all DMA of a device, even
 * if the device could address the memory: with the kernel parameter
 * swiotlb=force, and in virtual machines with encrypted memory.
 */
static inline bool compat_dma_always_bounces(struct device *dev)
{
	return !compat_dma_uses_iommu(dev) && is_swiotlb_force_bounce(dev);
}

/*
 * Returns whether a DMA address is that of a bounce buffer. The DMA API has no
 * question for this. If the software IO TLB can grow, swiotlb_find_pool() calls
 * a function that is not available to modules. Then dma_need_sync() answers:
 * for a device that does not snoop, it counts each address as bounced after the
 * first bounce.
 */
static inline bool compat_dma_bounced(struct device *dev, dma_addr_t addr)
{
	if (compat_dma_uses_iommu(dev) || get_dma_ops(dev))
		return false;
#ifdef CONFIG_SWIOTLB_DYNAMIC
	return READ_ONCE(dev->dma_uses_io_tlb) && dma_need_sync(dev, addr);
#else
	return swiotlb_find_pool(dev, dma_to_phys(dev, addr));
#endif
}

/*
 * Returns whether a device may snoop the caches although dma_need_sync() says
 * that there is maintenance for it. For devices behind an IOMMU, and for those
 * with DMA operations of their own, dma_need_sync() does not know better.
 */
static inline bool compat_dma_may_snoop(struct device *dev)
{
	if (compat_dma_uses_iommu(dev))
		return dev_is_dma_coherent(dev);

	return get_dma_ops(dev);
}

/*
 * Says that the DMA of a device snoops the caches. This is for a device that
 * exists only in software. For others, the kernel knows.
 */
static inline void compat_set_dma_coherent(struct device *dev)
{
#if !defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE)
	/* Each device snoops. */
#elif defined(COMPAT_NO_DEV_FLAG_DMA_COHERENT)
	dev->dma_coherent = true;
#else
	dev_set_dma_coherent(dev);
#endif
}

/*
 * Mapping by physical address is new. In older kernels, the function for pages
 * does the same, because all memory of this project has pages. To undo either
 * mapping, all kernels have dma_unmap_page_attrs().
 */
#ifdef COMPAT_NO_dma_map_phys
static inline dma_addr_t dma_map_phys(struct device *dev, phys_addr_t phys,
				      size_t size, enum dma_data_direction dir,
				      unsigned long attrs)
{
	return dma_map_page_attrs(dev, pfn_to_page(PHYS_PFN(phys)),
				  offset_in_page(phys), size, dir, attrs);
}
#endif

/*
 * The members of struct dma_map_ops that map and unmap memory. Older kernels
 * map pages, and have members for registers of devices instead of an attribute.
 */
#ifdef COMPAT_NO_map_phys
#define COMPAT_DMA_MAP_OPS(prefix)					\
	.map_page = prefix##_map_page,					\
	.unmap_page = prefix##_unmap_phys,				\
	.map_resource = prefix##_map_resource
#else
#define COMPAT_DMA_MAP_OPS(prefix)					\
	.map_phys = prefix##_map_phys,					\
	.unmap_phys = prefix##_unmap_phys
#endif

/* An attribute that older kernels never pass */
#ifndef DMA_ATTR_MMIO
#define DMA_ATTR_MMIO	BIT(10)
#endif

/*
 * Older kernels export only the allocation of a given range, so the search for
 * a range is here. It does what the kernel does: ranges that end in a hole or
 * in memory that cannot be moved are skipped, and the first success counts.
 */
#ifdef COMPAT_NO_alloc_contig_pages_noprof
#ifdef ACR_FLAGS_NONE
#define COMPAT_CONTIG	ACR_FLAGS_NONE
#else
#define COMPAT_CONTIG	MIGRATE_MOVABLE
#endif

static inline bool compat_is_worth_trying(const struct zone *zone,
					  unsigned long pfn,
					  unsigned long count)
{
	unsigned long end = pfn + count;

	for (; pfn < end; pfn++) {
		struct page *page = pfn_to_online_page(pfn);

		if (!page || page_zone(page) != zone || PageReserved(page) ||
		    PageHuge(page))
			return false;
	}

	return true;
}

/* Whole pageblocks, because the kernel isolates these while it tries. */
static inline struct page *compat_alloc_contig_zone(const struct zone *zone,
						    unsigned long count,
						    gfp_t gfp)
{
	unsigned long pfn = ALIGN(zone->zone_start_pfn, pageblock_nr_pages);
	unsigned long step = ALIGN(count, pageblock_nr_pages);

	for (; pfn + count <= zone_end_pfn(zone); pfn += step) {
		/* The kernel would refuse each of the other ranges as well. */
		if (fatal_signal_pending(current))
			return NULL;
		if (compat_is_worth_trying(zone, pfn, count) &&
		    !alloc_contig_range(pfn, pfn + count, COMPAT_CONTIG, gfp))
			return pfn_to_page(pfn);
		cond_resched();
	}

	return NULL;
}

static inline struct page *compat_alloc_contig_node(int nid,
						    unsigned long count,
						    gfp_t gfp)
{
	struct zone *zones = NODE_DATA(nid)->node_zones;
	struct page *page = NULL;
	int i;

	for (i = gfp_zone(gfp); !page && i >= 0; i--)
		if (populated_zone(&zones[i]))
			page = compat_alloc_contig_zone(&zones[i], count, gfp);

	return page;
}

static inline struct page *compat_alloc_contig_pages(unsigned long count,
						     gfp_t gfp, int nid,
						     nodemask_t *nodes)
{
	struct page *page = compat_alloc_contig_node(nid, count, gfp);
	int other;

	for_each_online_node(other)
		if (!page && other != nid)
			page = compat_alloc_contig_node(other, count, gfp);

	return page;
}

#undef alloc_contig_pages
#define alloc_contig_pages compat_alloc_contig_pages
#endif

/*
 * Maps a folio of PMD size by one entry. Only newer kernels can do this with
 * pages that direct I/O can use, and only kernels that have huge pages.
 */
#if defined(COMPAT_NO_vmf_insert_folio_pmd) || \
	!defined(CONFIG_TRANSPARENT_HUGEPAGE)
#define COMPAT_HAS_FOLIO_PMD	false

static inline vm_fault_t compat_insert_folio_pmd(struct vm_fault *vmf,
						 struct folio *folio,
						 bool write)
{
	return VM_FAULT_FALLBACK;
}
#else
#define COMPAT_HAS_FOLIO_PMD	true

static inline vm_fault_t compat_insert_folio_pmd(struct vm_fault *vmf,
						 struct folio *folio,
						 bool write)
{
	return vmf_insert_folio_pmd(vmf, folio, write);
}
#endif

/* Only for large folios, which need the function above. */
#ifdef COMPAT_NO_vmf_insert_page_mkwrite
static inline vm_fault_t vmf_insert_page_mkwrite(struct vm_fault *vmf,
						 struct page *page, bool write)
{
	return VM_FAULT_SIGBUS;
}
#endif

/*
 * Older kernels let the driver of a fence answer at any time. Newer ones keep
 * what is needed for an answer until the fence has signalled.
 */
#ifdef COMPAT_NO_dma_fence_driver_name
static inline const char *dma_fence_driver_name(struct dma_fence *fence)
{
	return fence->ops->get_driver_name(fence);
}

static inline const char *dma_fence_timeline_name(struct dma_fence *fence)
{
	return fence->ops->get_timeline_name(fence);
}
#endif

/*
 * The folder of all V4L2 drivers in debugfs, which nobody else makes in older
 * kernels. It stays there, because another driver may use it as well.
 */
#ifdef COMPAT_NO_v4l2_debugfs_root
static inline struct dentry *v4l2_debugfs_root(void)
{
	struct dentry *root = debugfs_lookup("v4l2", NULL);

	if (!root)
		return debugfs_create_dir("v4l2", NULL);
	/* The file system itself keeps the folder. */
	dput(root);

	return root;
}
#endif

/*
 * Before Linux 6.13, a queue waits for a buffer with its lock held, unless its
 * operations drop the lock. VIDIOC_STREAMOFF and VIDIOC_QBUF would block. Later
 * kernels do this by themselves.
 */
#if KERNEL_VERSION(6, 13, 0) > LINUX_VERSION_CODE
#define COMPAT_VB2_WAIT_OPS						\
	.wait_prepare = vb2_ops_wait_prepare,				\
	.wait_finish = vb2_ops_wait_finish,
#else
#define COMPAT_VB2_WAIT_OPS
#endif

/* The name of a namespace was not a string. */
#if KERNEL_VERSION(6, 13, 0) > LINUX_VERSION_CODE
#undef MODULE_IMPORT_NS
#define MODULE_IMPORT_NS(ns)	MODULE_INFO(import_ns, ns)
#endif

/* A device became idle now, which older kernels did not note down. */
#if KERNEL_VERSION(6, 17, 0) > LINUX_VERSION_CODE
static inline int compat_pm_runtime_put_autosuspend(struct device *dev)
{
	pm_runtime_mark_last_busy(dev);
	return pm_runtime_put_autosuspend(dev);
}

#define pm_runtime_put_autosuspend compat_pm_runtime_put_autosuspend
#endif

/* The file was not an argument, and the driver had to set its private data. */
#if KERNEL_VERSION(6, 18, 0) > LINUX_VERSION_CODE
static inline void compat_v4l2_fh_add(struct v4l2_fh *fh, struct file *file)
{
	file->private_data = fh;
	v4l2_fh_add(fh);
}

#define v4l2_fh_add	compat_v4l2_fh_add
#endif

#endif /* CMACAM_COMPAT_H */
