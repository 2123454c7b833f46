// SPDX-License-Identifier: GPL-2.0-only
/*
 * Export of buffers as dma-bufs, with cache maintenance that works.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "cma-buf.h"

/**
 * struct cma_buf_attachment - one importer
 * @list: entry in &cma_buf.attachments
 * @dev: the importer's device
 * @table: the buffer as that device sees it
 * @dir: direction of the mapping; DMA_NONE while there is none
 */
struct cma_buf_attachment {
	struct list_head list;
	struct device *dev;
	struct sg_table table;
	enum dma_data_direction dir;
};

/**
 * cma_buf_sync_importers() - cache maintenance for the devices of importers
 * @buf: the buffer; its lock is held
 * @for_cpu: before the CPU's access, or after it
 *
 * A mapping by the engine's own device is left out. The same memory with the
 * same coherency is covered by the buffer's ownership, and syncing it at the
 * end of one reader would take the buffer from another: that is libcamera's
 * case, which exports buffers and queues them to the node they came from.
 */
void cma_buf_sync_importers(struct cma_buf *buf, bool for_cpu)
{
	struct cma_buf_attachment *a;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(a, &buf->attachments, list) {
		if (a->dir == DMA_NONE || a->dev == buf->dev)
			continue;
		if (for_cpu)
			dma_sync_sgtable_for_cpu(a->dev, &a->table, a->dir);
		else
			dma_sync_sgtable_for_device(a->dev, &a->table, a->dir);
	}
}

static int cma_buf_attach(struct dma_buf *dmabuf,
			  struct dma_buf_attachment *attachment)
{
	struct cma_buf *buf = dmabuf->priv;
	struct cma_buf_attachment *a;
	int ret;

	a = kzalloc_obj(*a);
	if (!a)
		return -ENOMEM;

	ret = sg_alloc_table(&a->table, 1, GFP_KERNEL);
	if (ret) {
		kfree(a);
		return ret;
	}

	sg_set_page(a->table.sgl, buf->page, buf->size, 0);
	a->dev = attachment->dev;
	a->dir = DMA_NONE;
	attachment->priv = a;

	guard(mutex)(&buf->lock);
	list_add_tail(&a->list, &buf->attachments);

	return 0;
}

static void cma_buf_detach(struct dma_buf *dmabuf,
			   struct dma_buf_attachment *attachment)
{
	struct cma_buf *buf = dmabuf->priv;
	struct cma_buf_attachment *a = attachment->priv;

	mutex_lock(&buf->lock);
	list_del(&a->list);
	mutex_unlock(&buf->lock);

	sg_free_table(&a->table);
	kfree(a);
}

/*
 * Maintenance by the map and unmap calls would happen behind the ownership
 * of the engine's own device; other devices get all of it.
 */
static unsigned long cma_buf_map_attrs(struct cma_buf *buf,
				       struct cma_buf_attachment *a)
{
	return a->dev == buf->dev ? DMA_ATTR_SKIP_CPU_SYNC : 0;
}

static struct sg_table *cma_buf_map(struct dma_buf_attachment *attachment,
				    enum dma_data_direction dir)
{
	struct cma_buf *buf = attachment->dmabuf->priv;
	struct cma_buf_attachment *a = attachment->priv;
	int ret;

	guard(mutex)(&buf->lock);

	ret = dma_map_sgtable(a->dev, &a->table, dir,
			      cma_buf_map_attrs(buf, a));
	if (ret)
		return ERR_PTR(ret);
	a->dir = dir;

	return &a->table;
}

static void cma_buf_unmap(struct dma_buf_attachment *attachment,
			  struct sg_table *table,
			  enum dma_data_direction dir)
{
	struct cma_buf *buf = attachment->dmabuf->priv;
	struct cma_buf_attachment *a = attachment->priv;

	guard(mutex)(&buf->lock);

	dma_unmap_sgtable(a->dev, table, dir, cma_buf_map_attrs(buf, a));
	a->dir = DMA_NONE;
}

/*
 * The direction that the caller names says what the CPU will do; which
 * maintenance that takes follows from the direction of each device mapping.
 */
static int cma_buf_begin_cpu_access(struct dma_buf *dmabuf,
				    enum dma_data_direction dir)
{
	cma_buf_begin_access(dmabuf->priv);
	return 0;
}

static int cma_buf_end_cpu_access(struct dma_buf *dmabuf,
				  enum dma_data_direction dir)
{
	cma_buf_end_access(dmabuf->priv);
	return 0;
}

static int cma_buf_dmabuf_mmap(struct dma_buf *dmabuf,
			       struct vm_area_struct *vma)
{
	return cma_buf_mmap(dmabuf->priv, vma);
}

static int cma_buf_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct cma_buf *buf = dmabuf->priv;

	cma_buf_map_cpu(buf);
	iosys_map_set_vaddr(map, page_address(buf->page));

	return 0;
}

static void cma_buf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	cma_buf_unmap_cpu(dmabuf->priv);
}

static void cma_buf_dmabuf_release(struct dma_buf *dmabuf)
{
	cma_buf_put(dmabuf->priv);
}

static const struct dma_buf_ops cma_buf_dmabuf_ops = {
	.attach = cma_buf_attach,
	.detach = cma_buf_detach,
	.map_dma_buf = cma_buf_map,
	.unmap_dma_buf = cma_buf_unmap,
	.begin_cpu_access = cma_buf_begin_cpu_access,
	.end_cpu_access = cma_buf_end_cpu_access,
	.mmap = cma_buf_dmabuf_mmap,
	.vmap = cma_buf_vmap,
	.vunmap = cma_buf_vunmap,
	.release = cma_buf_dmabuf_release,
};

/**
 * cma_buf_export() - make a dma-buf of a buffer
 * @buf: the buffer; the dma-buf holds a reference
 * @flags: O_RDONLY or O_RDWR, and O_CLOEXEC
 *
 * Return: the dma-buf or an error pointer
 */
struct dma_buf *cma_buf_export(struct cma_buf *buf, unsigned long flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(exp_info);
	struct dma_buf *dmabuf;

	exp_info.exp_name = "vb2-cma";
	exp_info.ops = &cma_buf_dmabuf_ops;
	exp_info.size = buf->size;
	exp_info.flags = flags;
	exp_info.priv = buf;

	dmabuf = dma_buf_export(&exp_info);
	if (IS_ERR(dmabuf))
		return dmabuf;

	/* See cma_buf_mmap(). Nobody has the file yet. */
	file_inode(dmabuf->file)->i_flags |= S_DAX;
	cma_buf_get(buf);

	return dmabuf;
}

/**
 * cma_buf_from_dmabuf() - recognise our own
 * @dmabuf: any dma-buf
 *
 * Return: the buffer behind it, valid as long as the dma-buf; NULL if another
 * exporter made it
 */
struct cma_buf *cma_buf_from_dmabuf(struct dma_buf *dmabuf)
{
	return dmabuf->ops == &cma_buf_dmabuf_ops ? dmabuf->priv : NULL;
}
