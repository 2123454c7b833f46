// SPDX-License-Identifier: GPL-2.0-only
/*
 * Export of buffers as dma-bufs, with cache maintenance that works, and what
 * importers ask.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
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
 * @view: the buffer as its device sees it
 * @table: the same for the importer
 * @own: it uses the mapping that the engine has already
 */
struct cma_buf_attachment {
	struct cma_buf_view view;
	struct sg_table table;
	bool own;
};

/**
 * cma_buf_announce() - the importer will tell when its device owns the buffer
 * @attachment: of a dma-buf of this module; not mapped yet
 *
 * It has to call cma_buf_to_device(), cma_buf_device_done() and
 * cma_buf_finish(), and in return no begin or end costs it anything.
 */
void cma_buf_announce(struct dma_buf_attachment *attachment)
{
	struct cma_buf_attachment *a = attachment->priv;

	a->view.announces = true;
}

/**
 * cma_buf_view() - what to hand the buffer to
 * @attachment: of a dma-buf of this module, mapped, that announces
 *
 * Return: the view of the importer's device
 */
struct cma_buf_view *cma_buf_view(struct dma_buf_attachment *attachment)
{
	struct cma_buf *buf = attachment->dmabuf->priv;
	struct cma_buf_attachment *a = attachment->priv;

	return a->own ? &buf->engine : &a->view;
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

	a->view.dev = attachment->dev;
	attachment->priv = a;

	guard(mutex)(&buf->lock);
	buf->importers++;

	return 0;
}

static void cma_buf_detach(struct dma_buf *dmabuf,
			   struct dma_buf_attachment *attachment)
{
	struct cma_buf *buf = dmabuf->priv;
	struct cma_buf_attachment *a = attachment->priv;

	mutex_lock(&buf->lock);
	buf->importers--;
	mutex_unlock(&buf->lock);

	sg_free_table(&a->table);
	kfree(a);
}

/*
 * The engine's own device has a mapping already, and gets that one: a second
 * might be elsewhere (behind an IOMMU, or in a bounce buffer), where the
 * buffer's ownership would not reach it. That is libcamera's case, which
 * exports buffers and queues them to the node they came from. A device that
 * also works in the other direction needs a mapping for that.
 */
static bool is_own(const struct cma_buf *buf,
		   const struct cma_buf_attachment *a,
		   enum dma_data_direction dir)
{
	return buf->has_engine && a->view.announces &&
	       a->view.dev == buf->dev &&
	       (buf->dir == dir || buf->dir == DMA_BIDIRECTIONAL);
}

static void map_own(struct cma_buf *buf, struct cma_buf_attachment *a)
{
	sg_dma_address(a->table.sgl) = buf->dma_addr;
	sg_dma_len(a->table.sgl) = buf->size;
	a->table.nents = 1;
}

/*
 * Who announces gets the maintenance when he gets the buffer. Undoing his
 * mapping must do none either: it would invalidate what the CPU wrote since.
 */
static unsigned long map_attrs(const struct cma_buf *buf,
			       const struct cma_buf_attachment *a)
{
	return a->view.announces || buf->backend->coherent ||
	       buf->sync == CMA_BUF_SYNC_NEVER ? DMA_ATTR_SKIP_CPU_SYNC : 0;
}

static struct sg_table *cma_buf_map(struct dma_buf_attachment *attachment,
				    enum dma_data_direction dir)
{
	struct cma_buf *buf = attachment->dmabuf->priv;
	struct cma_buf_attachment *a = attachment->priv;
	int ret;

	guard(mutex)(&buf->lock);

	a->own = is_own(buf, a, dir);
	if (a->own) {
		map_own(buf, a);
		return &a->table;
	}

	ret = dma_map_sgtable(a->view.dev, &a->table, dir, map_attrs(buf, a));
	if (ret)
		return ERR_PTR(ret);

	/* One entry, hence one run of addresses. */
	a->view.addr = sg_dma_address(a->table.sgl);
	a->view.dir = dir;
	cma_buf_view_add(buf, &a->view);

	return &a->table;
}

static void cma_buf_unmap(struct dma_buf_attachment *attachment,
			  struct sg_table *table,
			  enum dma_data_direction dir)
{
	struct cma_buf *buf = attachment->dmabuf->priv;
	struct cma_buf_attachment *a = attachment->priv;

	guard(mutex)(&buf->lock);

	if (a->own)
		return;
	cma_buf_view_del(buf, &a->view);
	dma_unmap_sgtable(a->view.dev, table, dir, map_attrs(buf, a));
}

/* What still works on the buffer ends first, whatever the core does later. */
static int wait_for_fences(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	bool write = dir != DMA_FROM_DEVICE;
	long ret;

	ret = dma_resv_wait_timeout(dmabuf->resv, dma_resv_usage_rw(write),
				    true, MAX_SCHEDULE_TIMEOUT);

	return ret < 0 ? ret : 0;
}

/**
 * cma_buf_begin_dmabuf() - begin CPU access to a dma-buf
 * @dmabuf: of this module
 * @dir: see cma_buf_begin_access()
 * @rect: the part; NULL: all
 *
 * Return: 0, or -ERESTARTSYS if a signal came while fences were waited for
 */
int cma_buf_begin_dmabuf(struct dma_buf *dmabuf, enum dma_data_direction dir,
			 const struct cma_buf_rect *rect)
{
	int ret;

	ret = wait_for_fences(dmabuf, dir);
	if (!ret)
		cma_buf_begin_access(dmabuf->priv, dir, rect);

	return ret;
}

static int cma_buf_begin_cpu_access(struct dma_buf *dmabuf,
				    enum dma_data_direction dir)
{
	return cma_buf_begin_dmabuf(dmabuf, dir, NULL);
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
	/* Whoever uses the buffer by one dma-buf is seen at the others. */
	exp_info.resv = &buf->resv;

	dmabuf = dma_buf_export(&exp_info);
	if (IS_ERR(dmabuf))
		return dmabuf;

	/* Nobody has the file yet. For S_DAX see cma_buf_mmap(). */
	if (!buf->backend->longterm)
		file_inode(dmabuf->file)->i_flags |= S_DAX;
	dmabuf->name = kasprintf(GFP_KERNEL, "%.20s #%u",
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

/**
 * cma_buf_contiguous() - bytes from the start of a mapping without a gap
 * @sgt: mapping for a device
 *
 * Return: length of the first run of device addresses
 */
size_t cma_buf_contiguous(struct sg_table *sgt)
{
	dma_addr_t next = sg_dma_address(sgt->sgl);
	struct scatterlist *sg;
	size_t size = 0;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i) {
		if (sg_dma_address(sg) != next)
			break;
		next += sg_dma_len(sg);
		size += sg_dma_len(sg);
	}

	return size;
}
