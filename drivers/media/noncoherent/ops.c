// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMA API of a device that does not snoop the CPU's caches.
 */
#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>

#include "../compat.h"
#include "noncoherent.h"

static void for_cpu(struct nc_buffer *buf, size_t offset, size_t size,
		    enum dma_data_direction dir)
{
	if (dir != DMA_TO_DEVICE)
		nc_lines_fill(buf, offset, size);
}

static void for_device(struct nc_buffer *buf, size_t offset, size_t size,
		       enum dma_data_direction dir)
{
	if (dir == DMA_FROM_DEVICE)
		nc_lines_invalidate(buf, offset, size);
	else
		nc_lines_clean(buf, offset, size);
}

/*
 * Memory that the CPU does not cache has no lines to simulate: the device uses
 * it as it is. Only on x86 does the kernel's linear mapping tell.
 */
static bool is_uncached(phys_addr_t phys)
{
#ifdef CONFIG_X86
	unsigned int level;
	pte_t *entry;

	if (!pfn_valid(PHYS_PFN(phys)))
		return false;
	entry = lookup_address((unsigned long)phys_to_virt(phys), &level);

	return entry && pte_flags(*entry) & (_PAGE_PWT | _PAGE_PCD);
#else
	return false;
#endif
}

static void *nc_alloc(struct device *dev, size_t size, dma_addr_t *handle,
		      gfp_t gfp, unsigned long attrs)
{
	struct nc_buffer *buf;

	buf = nc_buffer_alloc(dev, PAGE_ALIGN(size), gfp, true);
	if (!buf)
		return NULL;

	*handle = buf->dma;

	return phys_to_virt(buf->phys);
}

static struct page *nc_alloc_pages(struct device *dev, size_t size,
				   dma_addr_t *handle,
				   enum dma_data_direction dir, gfp_t gfp)
{
	struct nc_buffer *buf;

	buf = nc_buffer_alloc(dev, PAGE_ALIGN(size), gfp, false);
	if (!buf)
		return NULL;

	*handle = buf->dma;

	return buf->cpu_pages;
}

/* Two references: that of the lookup, and the one the allocation has. */
static void drop(struct device *dev, dma_addr_t handle)
{
	struct nc_buffer *buf = nc_buffer_get(dev, handle);

	if (WARN_ON_ONCE(!buf))
		return;
	nc_buffer_put(buf);
	nc_buffer_put(buf);
}

static void nc_free(struct device *dev, size_t size, void *vaddr,
		    dma_addr_t handle, unsigned long attrs)
{
	drop(dev, handle);
}

static void nc_free_pages(struct device *dev, size_t size, struct page *page,
			  dma_addr_t handle, enum dma_data_direction dir)
{
	drop(dev, handle);
}

static int nc_mmap(struct device *dev, struct vm_area_struct *vma,
		   void *vaddr, dma_addr_t handle, size_t size,
		   unsigned long attrs)
{
	return dma_mmap_pages(dev, vma, size, virt_to_page(vaddr));
}

static int nc_get_sgtable(struct device *dev, struct sg_table *sgt,
			  void *vaddr, dma_addr_t handle, size_t size,
			  unsigned long attrs)
{
	int ret = sg_alloc_table(sgt, 1, GFP_KERNEL);

	if (!ret)
		sg_set_page(sgt->sgl, virt_to_page(vaddr), PAGE_ALIGN(size),
			    0);

	return ret;
}

static dma_addr_t nc_map_phys(struct device *dev, phys_addr_t phys,
			      size_t size, enum dma_data_direction dir,
			      unsigned long attrs)
{
	struct nc_buffer *buf;
	size_t offset;

	/* Registers of other devices have no cache lines. */
	if (attrs & DMA_ATTR_MMIO || is_uncached(phys))
		return phys;

	buf = nc_buffer_map(dev, phys, size);
	if (!buf)
		return DMA_MAPPING_ERROR;

	offset = phys - buf->phys;
	if (!(attrs & DMA_ATTR_SKIP_CPU_SYNC))
		for_device(buf, offset, size, dir);

	return buf->dma + offset;
}

static void nc_unmap_phys(struct device *dev, dma_addr_t handle, size_t size,
			  enum dma_data_direction dir, unsigned long attrs)
{
	struct nc_buffer *buf;

	if (attrs & DMA_ATTR_MMIO || is_uncached(handle))
		return;

	buf = nc_buffer_get(dev, handle);
	if (WARN_ON_ONCE(!buf))
		return;
	if (!(attrs & DMA_ATTR_SKIP_CPU_SYNC))
		for_cpu(buf, handle - buf->dma, size, dir);
	nc_buffer_put(buf);
	nc_buffer_put(buf);
}

/* The next two are for kernels without a member for physical addresses. */
static dma_addr_t __maybe_unused nc_map_page(struct device *dev,
					     struct page *page,
					     unsigned long offset, size_t size,
					     enum dma_data_direction dir,
					     unsigned long attrs)
{
	return nc_map_phys(dev, page_to_phys(page) + offset, size, dir, attrs);
}

static dma_addr_t __maybe_unused nc_map_resource(struct device *dev,
						 phys_addr_t phys, size_t size,
						 enum dma_data_direction dir,
						 unsigned long attrs)
{
	return nc_map_phys(dev, phys, size, dir, attrs | DMA_ATTR_MMIO);
}

static void nc_unmap_sg(struct device *dev, struct scatterlist *sgl, int nents,
			enum dma_data_direction dir, unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i)
		nc_unmap_phys(dev, sg_dma_address(sg), sg_dma_len(sg), dir,
			      attrs);
}

/*
 * Entries that adjoin in the CPU's memory adjoin for the device as well, as
 * they do without a shim: an importer that needs one piece gets one. The
 * shadow of such a run has a reference for each of its entries.
 */
static int nc_map_sg(struct device *dev, struct scatterlist *sgl, int nents,
		     enum dma_data_direction dir, unsigned long attrs)
{
	struct scatterlist *sg, *next;
	struct nc_buffer *run;
	size_t size, offset;
	int i, ahead;

	for (i = 0, sg = sgl; i < nents; ) {
		size = sg->length;
		next = sg_next(sg);
		for (ahead = i + 1; ahead < nents &&
		     sg_phys(next) == sg_phys(sg) + size; ahead++) {
			size += next->length;
			next = sg_next(next);
		}

		if (is_uncached(sg_phys(sg))) {
			for (; i < ahead; i++, sg = sg_next(sg)) {
				sg_dma_address(sg) = sg_phys(sg);
				sg_dma_len(sg) = sg->length;
			}
			continue;
		}
		run = nc_buffer_map(dev, sg_phys(sg), size);
		if (!run) {
			nc_unmap_sg(dev, sgl, i, dir,
				    attrs | DMA_ATTR_SKIP_CPU_SYNC);
			return -ENOMEM;
		}
		offset = sg_phys(sg) - run->phys;
		if (!(attrs & DMA_ATTR_SKIP_CPU_SYNC))
			for_device(run, offset, size, dir);
		for (; i < ahead; i++, sg = sg_next(sg)) {
			refcount_inc(&run->refs);
			sg_dma_address(sg) = run->dma + offset;
			sg_dma_len(sg) = sg->length;
			offset += sg->length;
		}
		nc_buffer_put(run);
	}

	return nents;
}

static void nc_sync_single_for_cpu(struct device *dev, dma_addr_t handle,
				   size_t size, enum dma_data_direction dir)
{
	struct nc_buffer *buf = nc_buffer_get(dev, handle);

	if (!buf)
		return;
	for_cpu(buf, handle - buf->dma, size, dir);
	nc_buffer_put(buf);
}

static void nc_sync_single_for_device(struct device *dev, dma_addr_t handle,
				      size_t size, enum dma_data_direction dir)
{
	struct nc_buffer *buf = nc_buffer_get(dev, handle);

	if (!buf)
		return;
	for_device(buf, handle - buf->dma, size, dir);
	nc_buffer_put(buf);
}

static void nc_sync_sg_for_cpu(struct device *dev, struct scatterlist *sgl,
			       int nents, enum dma_data_direction dir)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i)
		nc_sync_single_for_cpu(dev, sg_dma_address(sg), sg->length,
				       dir);
}

static void nc_sync_sg_for_device(struct device *dev, struct scatterlist *sgl,
				  int nents, enum dma_data_direction dir)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i)
		nc_sync_single_for_device(dev, sg_dma_address(sg), sg->length,
					  dir);
}

static int nc_dma_supported(struct device *dev, u64 mask)
{
	return mask >= DMA_BIT_MASK(32);
}

const struct dma_map_ops nc_dma_ops = {
	.alloc = nc_alloc,
	.free = nc_free,
	.alloc_pages_op = nc_alloc_pages,
	.free_pages = nc_free_pages,
	.mmap = nc_mmap,
	.get_sgtable = nc_get_sgtable,
	COMPAT_DMA_MAP_OPS(nc),
	.map_sg = nc_map_sg,
	.unmap_sg = nc_unmap_sg,
	.sync_single_for_cpu = nc_sync_single_for_cpu,
	.sync_single_for_device = nc_sync_single_for_device,
	.sync_sg_for_cpu = nc_sync_sg_for_cpu,
	.sync_sg_for_device = nc_sync_sg_for_device,
	.dma_supported = nc_dma_supported,
};
