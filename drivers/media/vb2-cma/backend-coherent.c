// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coherent memory, uncached wherever DMA does not snoop: what others give,
 * to compare with. Every mapping has the attributes of the first.
 */
#include <linux/dma-mapping.h>

#include "backend.h"
#include "vcma-buf.h"

static int coherent_alloc(struct vcma_buf *buf, gfp_t gfp)
{
	if (mutex_lock_killable(&vcma_isolation_lock))
		return -EINTR;
	buf->vaddr = dma_alloc_attrs(buf->dev, buf->size, &buf->dma_addr,
				     GFP_KERNEL | __GFP_NOWARN | gfp, 0);
	mutex_unlock(&vcma_isolation_lock);

	return buf->vaddr ? 0 : -ENOMEM;
}

static void coherent_free(struct vcma_buf *buf)
{
	dma_free_attrs(buf->dev, buf->size, buf->vaddr, buf->dma_addr, 0);
}

static int coherent_mmap(struct vcma_buf *buf, struct vm_area_struct *vma)
{
	return dma_mmap_attrs(buf->dev, vma, buf->vaddr, buf->dma_addr,
			      buf->size, 0);
}

static int coherent_sgtable(struct vcma_buf *buf, struct sg_table *table)
{
	return dma_get_sgtable_attrs(buf->dev, table, buf->vaddr,
				     buf->dma_addr, buf->size, 0);
}

static int coherent_room(char *text, size_t len)
{
	return vcma_backend_cma.room(text, len);
}

const struct vcma_backend vcma_backend_coherent = {
	.name = "coherent",
	.coherent = true,
	.alloc = coherent_alloc,
	.free = coherent_free,
	.mmap = coherent_mmap,
	.sgtable = coherent_sgtable,
	.room = coherent_room,
};
