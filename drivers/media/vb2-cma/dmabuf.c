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

#include "../compat.h"
#include "backend.h"
#include "vcma-buf.h"
#include "sync.h"
#include "vb2-cma.h"

/**
 * struct vcma_import - a device's mapping of a buffer
 * @view: the buffer as the device sees it
 * @users: number of attachments that use the mapping; guarded by
 *	&vcma_buf.lock
 */
struct vcma_import {
	struct vcma_view view;
	unsigned int users;
};

/**
 * struct vcma_attachment - one importer
 * @announces: see &vcma_view.announces
 * @import: the mapping; NULL if there is none, or if it is the engine's
 * @table: the mapping for the importer
 */
struct vcma_attachment {
	bool announces;
	struct vcma_import *import;
	struct sg_table table;
};

/**
 * vcma_announce() - the importer will tell when its device owns the buffer
 * @attachment: of a dma-buf of this module; not mapped yet
 *
 * It has to call vcma_to_device(), vcma_device_done() and
 * vcma_finish(), and in return no begin or end costs it anything.
 */
void vcma_announce(struct dma_buf_attachment *attachment)
{
	struct vcma_attachment *a = attachment->priv;

	a->announces = true;
}

/**
 * vcma_view() - what to hand the buffer to
 * @attachment: of a dma-buf of this module, mapped, that announces
 *
 * Return: the view of the importer's device
 */
struct vcma_view *vcma_view(struct dma_buf_attachment *attachment)
{
	struct vcma_buf *buf = attachment->dmabuf->priv;
	struct vcma_attachment *a = attachment->priv;

	return a->import ? &a->import->view : &buf->engine;
}

static const struct dma_buf_ops vcma_reader_ops;

/**
 * vcma_is_read_only() - is this a dma-buf of vcma_export_reader()?
 * @dmabuf: any dma-buf
 *
 * Not by the mode of its file: VIDIOC_EXPBUF makes files that are open to read
 * only by default, and programs hand those to devices that write.
 *
 * Return: true if nobody may write by way of it
 */
bool vcma_is_read_only(const struct dma_buf *dmabuf)
{
	return dmabuf->ops == &vcma_reader_ops;
}

static int vcma_sgtable(struct vcma_buf *buf, struct sg_table *table)
{
	int ret;

	if (buf->backend->sgtable)
		return buf->backend->sgtable(buf, table);

	ret = sg_alloc_table(table, 1, GFP_KERNEL);
	if (!ret)
		sg_set_page(table->sgl, buf->page, buf->size, 0);

	return ret;
}

static int vcma_attach(struct dma_buf *dmabuf,
		       struct dma_buf_attachment *attachment)
{
	struct vcma_buf *buf = dmabuf->priv;
	struct vcma_attachment *a;
	int ret;

	a = kzalloc_obj(*a);
	if (!a)
		return -ENOMEM;

	ret = vcma_sgtable(buf, &a->table);
	if (ret) {
		kfree(a);
		return ret;
	}

	attachment->priv = a;

	guard(mutex)(&buf->lock);
	buf->importers++;

	return 0;
}

static void vcma_detach(struct dma_buf *dmabuf,
			struct dma_buf_attachment *attachment)
{
	struct vcma_buf *buf = dmabuf->priv;
	struct vcma_attachment *a = attachment->priv;

	mutex_lock(&buf->lock);
	buf->importers--;
	mutex_unlock(&buf->lock);

	sg_free_table(&a->table);
	kfree(a);
}

/*
 * A device maps a buffer once. A second mapping might be elsewhere (behind an
 * IOMMU, or in a bounce buffer), where the buffer's ownership would not reach
 * it. All maintenance would be done twice, and CONFIG_DMA_API_DEBUG could not
 * tell the two mappings apart. The engine's mapping is there already. That is
 * libcamera's case, which exports buffers and queues them to the node they
 * came from. A device that also works in the other direction needs a mapping
 * for that.
 */
static struct vcma_view *
find_view(struct vcma_buf *buf, const struct dma_buf_attachment *attachment,
	  enum dma_data_direction dir)
{
	const struct vcma_attachment *a = attachment->priv;
	struct vcma_view *view;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(view, &buf->views, list)
		if (view->dev == attachment->dev &&
		    view->announces == a->announces &&
		    (view->dir == dir || view->dir == DMA_BIDIRECTIONAL))
			return view;

	return NULL;
}

static bool is_engine(const struct vcma_buf *buf, const struct vcma_view *view)
{
	return view == &buf->engine;
}

static struct sg_table *map_again(struct vcma_buf *buf,
				  struct vcma_attachment *a,
				  struct vcma_view *view)
{
	if (!is_engine(buf, view)) {
		a->import = container_of(view, struct vcma_import, view);
		a->import->users++;
		vcma_view_again(buf, view);
	}
	sg_dma_address(a->table.sgl) = view->addr;
	sg_dma_len(a->table.sgl) = buf->size;
	a->table.nents = 1;

	return &a->table;
}

/*
 * Who announces gets the maintenance when he gets the buffer. Undoing his
 * mapping must do none either: it would invalidate what the CPU wrote since.
 */
static unsigned long map_attrs(const struct vcma_buf *buf, bool announces)
{
	return announces || !vcma_needs_sync(buf) ? DMA_ATTR_SKIP_CPU_SYNC : 0;
}

/* For stock importers, which have nowhere to say it. */
static void explain_refusal(const struct vcma_buf *buf, struct device *dev)
{
	char text[VB2_CMA_TEXT];

	vcma_reach_explain(text, sizeof(text), dev, buf);
	dev_info_ratelimited(dev, "vb2-cma: dma-buf cannot be mapped: %s\n",
			     text);
}

static struct sg_table *vcma_map(struct dma_buf_attachment *attachment,
				 enum dma_data_direction dir)
{
	struct vcma_buf *buf = attachment->dmabuf->priv;
	struct vcma_attachment *a = attachment->priv;
	struct vcma_import *import;
	struct vcma_view *view;
	int ret;

	if (vcma_is_read_only(attachment->dmabuf) && dir != DMA_TO_DEVICE)
		return ERR_PTR(-EACCES);

	guard(mutex)(&buf->lock);

	view = find_view(buf, attachment, dir);
	if (view)
		return map_again(buf, a, view);

	if (!vcma_suits(attachment->dev, buf)) {
		explain_refusal(buf, attachment->dev);
		return ERR_PTR(-EFAULT);
	}

	import = kzalloc_obj(*import);
	if (!import)
		return ERR_PTR(-ENOMEM);

	ret = dma_map_sgtable(attachment->dev, &a->table, dir,
			      map_attrs(buf, a->announces));
	if (ret) {
		kfree(import);
		return ERR_PTR(ret);
	}

	import->users = 1;
	import->view.dev = attachment->dev;
	import->view.announces = a->announces;
	/* One entry, hence one run of addresses. */
	import->view.addr = sg_dma_address(a->table.sgl);
	import->view.dir = dir;
	vcma_view_add(buf, &import->view);
	a->import = import;

	return &a->table;
}

static void vcma_unmap(struct dma_buf_attachment *attachment,
		       struct sg_table *table,
		       enum dma_data_direction dir)
{
	struct vcma_buf *buf = attachment->dmabuf->priv;
	struct vcma_attachment *a = attachment->priv;
	struct vcma_import *import;
	unsigned long attrs;

	guard(mutex)(&buf->lock);

	import = a->import;
	/* The engine's mapping stays. */
	if (!import)
		return;

	a->import = NULL;
	/*
	 * For others, it stays, and with it the device's right to write. As for
	 * them, a begin shows what the device has written.
	 */
	if (--import->users)
		return;

	vcma_view_del(buf, &import->view);
	attrs = map_attrs(buf, import->view.announces);
	/* The lines of a thread that writes stay; see vcma_show_stock(). */
	if (vcma_users_write(buf, NULL))
		attrs |= DMA_ATTR_SKIP_CPU_SYNC;
	dma_unmap_sgtable(import->view.dev, table, import->view.dir, attrs);
	kfree(import);
}

/*
 * What still works on the buffer ends first, whatever the core does later. The
 * core knows nothing of these fences if the dma-buf is a reader's.
 */
static int wait_for_fences(struct vcma_buf *buf, enum dma_data_direction dir)
{
	bool write = dir != DMA_FROM_DEVICE;
	long ret;

	ret = dma_resv_wait_timeout(&buf->resv, dma_resv_usage_rw(write),
				    true, MAX_SCHEDULE_TIMEOUT);

	return ret < 0 ? ret : 0;
}

/**
 * vcma_begin_dmabuf() - begin CPU access to a dma-buf
 * @dmabuf: of this module
 * @dir: see vcma_begin_access()
 * @rect: the part; NULL: all
 *
 * Return: 0; -ERESTARTSYS if a signal came while fences were waited for;
 * -EACCES if it is about to write and the dma-buf is a reader's
 */
int vcma_begin_dmabuf(struct dma_buf *dmabuf, enum dma_data_direction dir,
		      const struct vcma_rect *rect)
{
	int ret;

	if (vcma_is_read_only(dmabuf) && dir != DMA_FROM_DEVICE)
		return -EACCES;

	ret = wait_for_fences(dmabuf->priv, dir);
	if (!ret)
		vcma_begin_access(dmabuf->priv, dir, rect);

	return ret;
}

/**
 * vcma_end_dmabuf() - end CPU access to a dma-buf
 * @dmabuf: of this module
 * @dir: as at its beginning
 *
 * Return: 0; -EACCES if such an access cannot have begun
 */
int vcma_end_dmabuf(struct dma_buf *dmabuf, enum dma_data_direction dir)
{
	if (vcma_is_read_only(dmabuf) && dir != DMA_FROM_DEVICE)
		return -EACCES;

	vcma_end_access(dmabuf->priv, dir);

	return 0;
}

/*
 * The core waits for fences once more after this. If a signal ends that wait,
 * the program repeats the call, and the access begins twice and ends once. That
 * is the same as a forgotten end, which does no lasting harm; see users.c.
 */
static int vcma_begin_cpu_access(struct dma_buf *dmabuf,
				 enum dma_data_direction dir)
{
	return vcma_begin_dmabuf(dmabuf, dir, NULL);
}

static int vcma_end_cpu_access(struct dma_buf *dmabuf,
			       enum dma_data_direction dir)
{
	return vcma_end_dmabuf(dmabuf, dir);
}

static int vcma_dmabuf_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	return vcma_mmap(dmabuf->priv, vma, VCMA_DMABUF);
}

/*
 * The VFS refuses a writable mapping of a file that is open to read only. But a
 * driver that imports the buffer may map it by a file of its own, with
 * dma_buf_mmap().
 */
static int vcma_reader_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	vm_flags_clear(vma, VM_MAYWRITE);

	return vcma_dmabuf_mmap(dmabuf, vma);
}

static int vcma_dmabuf_vmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	struct vcma_buf *buf = dmabuf->priv;
	void *vaddr = vcma_vaddr(buf);

	if (!vaddr)
		return -ENOMEM;
	vcma_vmap(buf);
	iosys_map_set_vaddr(map, vaddr);

	return 0;
}

static void vcma_dmabuf_vunmap(struct dma_buf *dmabuf, struct iosys_map *map)
{
	vcma_vunmap(dmabuf->priv);
}

static void vcma_dmabuf_release(struct dma_buf *dmabuf)
{
	vcma_buf_put(dmabuf->priv);
}

static const struct dma_buf_ops vcma_dmabuf_ops = {
	.attach = vcma_attach,
	.detach = vcma_detach,
	.map_dma_buf = vcma_map,
	.unmap_dma_buf = vcma_unmap,
	.begin_cpu_access = vcma_begin_cpu_access,
	.end_cpu_access = vcma_end_cpu_access,
	.mmap = vcma_dmabuf_mmap,
	.vmap = vcma_dmabuf_vmap,
	.vunmap = vcma_dmabuf_vunmap,
	.release = vcma_dmabuf_release,
};

/* Without vmap: the kernel's mapping of a buffer can be written to. */
static const struct dma_buf_ops vcma_reader_ops = {
	.attach = vcma_attach,
	.detach = vcma_detach,
	.map_dma_buf = vcma_map,
	.unmap_dma_buf = vcma_unmap,
	.begin_cpu_access = vcma_begin_cpu_access,
	.end_cpu_access = vcma_end_cpu_access,
	.mmap = vcma_reader_mmap,
	.release = vcma_dmabuf_release,
};

static struct dma_buf *export(struct vcma_buf *buf,
			      const struct dma_buf_ops *ops,
			      struct dma_resv *resv, unsigned long flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(exp_info);
	struct dma_buf *dmabuf;
	char *name;

	exp_info.exp_name = "vb2-cma";
	exp_info.ops = ops;
	exp_info.size = buf->size;
	exp_info.flags = flags;
	exp_info.priv = buf;
	exp_info.resv = resv;

	dmabuf = dma_buf_export(&exp_info);
	if (IS_ERR(dmabuf))
		return dmabuf;

	/* Nobody has the file yet. For S_DAX see vcma_mmap(). */
	if (!buf->backend->longterm && IS_ENABLED(CONFIG_FS_DAX))
		file_inode(dmabuf->file)->i_flags |= S_DAX;
	name = kasprintf(GFP_KERNEL, "%.20s #%u", vcma_account_name(buf),
			 buf->id);
	/* The lists of all dma-bufs have it already, and their readers look. */
	scoped_guard(spinlock, &dmabuf->name_lock)
		dmabuf->name = name;
	vcma_buf_get(buf);

	return dmabuf;
}

/**
 * vcma_export() - make a dma-buf of a buffer
 * @buf: the buffer; the dma-buf holds a reference
 * @flags: O_RDONLY or O_RDWR, and O_CLOEXEC
 *
 * Its name tells whose it is and which one, in debugfs and in fdinfo; user
 * space may give it another.
 *
 * Return: the dma-buf or an error pointer
 */
struct dma_buf *vcma_export(struct vcma_buf *buf, unsigned long flags)
{
	/* Whoever uses the buffer by one dma-buf is seen at the others. */
	return export(buf, &vcma_dmabuf_ops, &buf->resv, flags);
}
EXPORT_SYMBOL_GPL(vcma_export);

/**
 * vcma_export_reader() - make a dma-buf of a buffer for somebody who only reads
 * @buf: the buffer, to which the caller has a reference; the dma-buf holds one
 *	of its own until it is released, whatever becomes of the dma-buf that
 *	the caller knows the buffer by
 *
 * For a process that is not trusted with the buffer. Mappings to write, CPU
 * access to write, and devices that may write are refused with -EACCES. The
 * begin and end of an access to read count for the buffer as by any other
 * dma-buf of it.
 *
 * It has fences of its own. DMA_BUF_IOCTL_IMPORT_SYNC_FILE adds a fence to any
 * dma-buf, and the exporter cannot refuse it. By the buffer's own fences, a
 * reader could make the engine wait. Its accesses still wait for the fences of
 * the buffer, so that it sees what others have written. Who gives the dma-buf
 * to a device has to wait for this device before he gives the frame back.
 *
 * Return: the dma-buf or an error pointer
 */
struct dma_buf *vcma_export_reader(struct vcma_buf *buf)
{
	return export(buf, &vcma_reader_ops, NULL, O_RDONLY | O_CLOEXEC);
}

/**
 * vcma_from_dmabuf() - recognise our own
 * @dmabuf: any dma-buf
 *
 * Return: the buffer behind it, valid as long as the dma-buf; NULL if another
 * exporter made it
 */
struct vcma_buf *vcma_from_dmabuf(struct dma_buf *dmabuf)
{
	if (dmabuf->ops != &vcma_dmabuf_ops && !vcma_is_read_only(dmabuf))
		return NULL;

	return dmabuf->priv;
}

/**
 * vcma_contiguous() - bytes from the start of a mapping without a gap
 * @sgt: mapping for a device
 *
 * Return: length of the first run of device addresses
 */
size_t vcma_contiguous(struct sg_table *sgt)
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

/**
 * vcma_bounced() - does a mapping use a bounce buffer?
 * @dev: the device
 * @sgt: mapping of contiguous memory for this device
 *
 * For memory of other exporters, whose address is unknown until it is mapped.
 *
 * Return: true if the device accesses a copy of the memory
 */
bool vcma_bounced(struct device *dev, struct sg_table *sgt)
{
	return compat_dma_bounced(dev, sg_dma_address(sgt->sgl));
}
