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

#include "backend.h"
#include "cma-buf.h"

/**
 * struct cma_buf_attachment - one importer
 * @list: entry in &cma_buf.attachments
 * @dev: the importer's device
 * @table: the buffer as that device sees it
 * @dir: direction of the mapping; DMA_NONE while there is none
 * @announces: whoever made it calls cma_buf_to_device() and the rest
 */
struct cma_buf_attachment {
	struct list_head list;
	struct device *dev;
	struct sg_table table;
	enum dma_data_direction dir;
	bool announces;
};

/*
 * The engine's own device, imported from itself. The same memory with the
 * same coherency is covered by the buffer's ownership: that is libcamera's
 * case, which exports buffers and queues them to the node they came from.
 */
static bool is_own(const struct cma_buf *buf,
		   const struct cma_buf_attachment *a)
{
	return buf->engine && a->dev == buf->dev;
}

/**
 * cma_buf_sync_importers() - cache maintenance for the devices of importers
 * @buf: the buffer; its lock is held
 * @announcing: for those that tell when they own the buffer, or for those
 *	that do not
 * @for_cpu: before the CPU's access, or after it
 * @offset: of the first byte
 * @size: bytes
 *
 * Return: devices for which it was done
 */
unsigned int cma_buf_sync_importers(struct cma_buf *buf, bool announcing,
				    bool for_cpu, size_t offset, size_t size)
{
	struct cma_buf_attachment *a;
	unsigned int devices = 0;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(a, &buf->attachments, list) {
		dma_addr_t addr;

		if (a->dir == DMA_NONE || a->announces != announcing ||
		    is_own(buf, a))
			continue;

		/* One entry, hence one run of addresses. */
		addr = sg_dma_address(a->table.sgl);
		if (for_cpu)
			dma_sync_single_range_for_cpu(a->dev, addr, offset,
						      size, a->dir);
		else
			dma_sync_single_range_for_device(a->dev, addr, offset,
							 size, a->dir);
		devices++;
	}

	return devices;
}

/**
 * cma_buf_announce() - the importer will tell when its device owns the buffer
 * @attachment: of a dma-buf of this module
 *
 * It has to call cma_buf_to_device(), cma_buf_device_done() and
 * cma_buf_finish(), and in return no begin or end costs it anything.
 */
void cma_buf_announce(struct dma_buf_attachment *attachment)
{
	struct cma_buf *buf = attachment->dmabuf->priv;
	struct cma_buf_attachment *a = attachment->priv;

	guard(mutex)(&buf->lock);
	a->announces = true;
}

static int cma_buf_sgtable(struct cma_buf *buf, struct sg_table *table)
{
	int ret;

	if (buf->backend->sgtable)
		return buf->backend->sgtable(buf, table);

	ret = sg_alloc_table(table, 1, GFP_KERNEL);
	if (!ret)
		sg_set_page(table->sgl, buf->page, buf->size, 0);

	return ret;
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

	ret = cma_buf_sgtable(buf, &a->table);
	if (ret) {
		kfree(a);
		return ret;
	}

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
 * The engine's own device has a mapping already, and gets that one: a second
 * might be elsewhere (behind an IOMMU, or in a bounce buffer), where the
 * buffer's ownership would not reach it.
 */
static int map_own(struct cma_buf *buf, struct cma_buf_attachment *a)
{
	if (a->table.orig_nents != 1)
		return -EINVAL;

	sg_dma_address(a->table.sgl) = buf->dma_addr;
	sg_dma_len(a->table.sgl) = buf->size;
	a->table.nents = 1;

	return 0;
}

/* Other devices get all the maintenance of the DMA API, if there is any. */
static unsigned long map_attrs(const struct cma_buf *buf)
{
	return buf->backend->coherent ? DMA_ATTR_SKIP_CPU_SYNC : 0;
}

static struct sg_table *cma_buf_map(struct dma_buf_attachment *attachment,
				    enum dma_data_direction dir)
{
	struct cma_buf *buf = attachment->dmabuf->priv;
	struct cma_buf_attachment *a = attachment->priv;
	int ret;

	guard(mutex)(&buf->lock);

	if (is_own(buf, a))
		ret = map_own(buf, a);
	else
		ret = dma_map_sgtable(a->dev, &a->table, dir, map_attrs(buf));
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

	if (!is_own(buf, a))
		dma_unmap_sgtable(a->dev, table, dir, map_attrs(buf));
	a->dir = DMA_NONE;
}

static int cma_buf_begin_cpu_access(struct dma_buf *dmabuf,
				    enum dma_data_direction dir)
{
	cma_buf_begin_access(dmabuf->priv, dir, NULL);
	return 0;
}

static int cma_buf_end_cpu_access(struct dma_buf *dmabuf,
				  enum dma_data_direction dir)
{
	cma_buf_end_access(dmabuf->priv, dir);
	return 0;
}

static int cma_buf_dmabuf_mmap(struct dma_buf *dmabuf,
			       struct vm_area_struct *vma)
{
	return cma_buf_mmap(dmabuf->priv, vma);
}

static int cma_buf_dmabuf_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct cma_buf *buf = dmabuf->priv;

	cma_buf_vmap(buf);
	iosys_map_set_vaddr(map, buf->vaddr);

	return 0;
}

static void cma_buf_dmabuf_vunmap(struct dma_buf *dmabuf,
				  struct iosys_map *map)
{
	cma_buf_vunmap(dmabuf->priv);
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
	.vmap = cma_buf_dmabuf_vmap,
	.vunmap = cma_buf_dmabuf_vunmap,
	.release = cma_buf_dmabuf_release,
};

/**
 * cma_buf_export() - make a dma-buf of a buffer
 * @buf: the buffer; the dma-buf holds a reference
 * @flags: O_RDONLY or O_RDWR, and O_CLOEXEC
 *
 * Its name tells whose it is and which one, in debugfs and in fdinfo; user
 * space may give it another.
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

	/* Nobody has the file yet. For S_DAX see cma_buf_mmap(). */
	if (!buf->backend->longterm)
		file_inode(dmabuf->file)->i_flags |= S_DAX;
	dmabuf->name = kasprintf(GFP_KERNEL, "%s #%u",
				 cma_buf_account_name(buf), buf->id);
	cma_buf_get(buf);

	return dmabuf;
}
EXPORT_SYMBOL_GPL(cma_buf_export);

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
