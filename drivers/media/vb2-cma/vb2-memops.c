// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffers as videobuf2 memory operations, and import of dma-bufs.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/export.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include <media/videobuf2-core.h>

#include "vcma-buf.h"
#include "vb2-cma.h"

/**
 * struct vb2_cma_mem - memory of one plane
 * @vb: the video buffer
 * @buf: the buffer; NULL if it was imported from another exporter
 * @dma_addr: where the engine finds it
 * @size: bytes that must be there
 * @dir: what the engine does with it
 * @vaddr: kernel mapping, made on demand
 * @dmabuf: of an import; NULL if the memory was allocated
 * @dev: the device of an import
 * @attach: of an import, from its first mapping on
 * @sgt: mapping of an import
 */
struct vb2_cma_mem {
	struct vb2_buffer *vb;
	struct vcma_buf *buf;
	dma_addr_t dma_addr;
	size_t size;
	enum dma_data_direction dir;
	void *vaddr;

	struct dma_buf *dmabuf;
	struct device *dev;
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
};

static void *vb2_cma_alloc(struct vb2_buffer *vb, struct device *dev,
			   unsigned long size)
{
	struct vb2_queue *q = vb->vb2_queue;
	struct vb2_cma_mem *mem;
	char account[64];

	mem = kzalloc_obj(*mem);
	if (!mem)
		return ERR_PTR(-ENOMEM);

	snprintf(account, sizeof(account), "%s %s", dev_name(dev),
		 q->is_output ? "output" : "capture");
	mem->buf = vcma_buf_alloc(dev, true, size, q->dma_dir, q->gfp_flags,
				  account);
	if (IS_ERR(mem->buf)) {
		void *err = ERR_CAST(mem->buf);

		kfree(mem);
		return err;
	}

	mem->vb = vb;
	mem->dma_addr = mem->buf->dma_addr;
	mem->size = size;
	mem->dir = q->dma_dir;

	return mem;
}

static void vb2_cma_put(void *buf_priv)
{
	struct vb2_cma_mem *mem = buf_priv;

	if (mem->vaddr)
		vcma_vunmap(mem->buf);
	vcma_buf_put(mem->buf);
	kfree(mem);
}

/* Who else uses an import is its exporter's business, even if that is us. */
static unsigned int vb2_cma_num_users(void *buf_priv)
{
	struct vb2_cma_mem *mem = buf_priv;

	return mem->dmabuf ? 1 : refcount_read(&mem->buf->refcount);
}

static void *vb2_cma_cookie(struct vb2_buffer *vb, void *buf_priv)
{
	struct vb2_cma_mem *mem = buf_priv;

	return &mem->dma_addr;
}

static void *vb2_cma_vaddr(struct vb2_buffer *vb, void *buf_priv)
{
	struct vb2_cma_mem *mem = buf_priv;
	struct iosys_map map;

	if (mem->vaddr)
		return mem->vaddr;

	if (mem->dmabuf) {
		if (!dma_buf_vmap_unlocked(mem->dmabuf, &map))
			mem->vaddr = map.vaddr;
	} else {
		mem->vaddr = vcma_vaddr(mem->buf);
		if (mem->vaddr)
			vcma_vmap(mem->buf);
	}

	return mem->vaddr;
}

static int vb2_cma_mmap(void *buf_priv, struct vm_area_struct *vma)
{
	struct vb2_cma_mem *mem = buf_priv;

	/* mmap() does not wait for the lock under which buffers are made. */
	if (!mem)
		return -EINVAL;

	return vcma_mmap_own_file(mem->buf, vma);
}

static struct dma_buf *vb2_cma_get_dmabuf(struct vb2_buffer *vb,
					  void *buf_priv, unsigned long flags)
{
	struct vb2_cma_mem *mem = buf_priv;

	return vcma_export(mem->buf, flags);
}

/*
 * The hints of user space are meant for one use of the buffer, and videobuf2
 * never clears what it makes of them. On imported buffers it sets the same
 * bits for good, because it leaves maintenance to the exporter: where that is
 * us there is nobody else to do it, and this is the moment at which the engine
 * becomes the owner.
 */
static unsigned int take_hints(struct vb2_cma_mem *mem)
{
	struct vb2_buffer *vb = mem->vb;
	unsigned int hints = 0;

	if (mem->dmabuf)
		return 0;

	if (vb->skip_cache_sync_on_prepare)
		hints |= VCMA_NO_CLEAN;
	if (vb->skip_cache_sync_on_finish)
		hints |= VCMA_NO_INVALIDATE;

	return hints;
}

/*
 * What videobuf2 set itself when it made the buffer stays: a device that only
 * reads leaves nothing for the CPU to invalidate.
 */
static void forget_hints(struct vb2_buffer *vb)
{
	vb->skip_cache_sync_on_prepare = 0;
	vb->skip_cache_sync_on_finish = vb->vb2_queue->dma_dir == DMA_TO_DEVICE;
}

static void vb2_cma_prepare(void *buf_priv)
{
	struct vb2_cma_mem *mem = buf_priv;
	struct vb2_buffer *vb = mem->vb;
	struct vcma_view *view;

	if (!mem->buf)
		return;

	view = mem->dmabuf ? vcma_view(mem->attach) : &mem->buf->engine;
	vcma_to_device(mem->buf, view, take_hints(mem));

	/* With the last plane, for they hold for all of them. */
	if (!mem->dmabuf &&
	    vb->planes[vb->num_planes - 1].mem_priv == buf_priv)
		forget_hints(vb);
}

/* Runs in vb2_buffer_done(), that is in the interrupt handler. */
static void vb2_cma_finish(void *buf_priv)
{
	struct vb2_cma_mem *mem = buf_priv;

	if (mem->buf)
		vcma_device_done(mem->buf);
}

/* A copy of vb2_cma_memops, of which others changed a part, is ours as well. */
static bool is_ours(const struct vb2_queue *q)
{
	return q->mem_ops->finish == vb2_cma_finish;
}

/**
 * vb2_cma_buf_finish() - make a dequeued buffer fit to be looked at
 * @vb: the buffer
 *
 * To be called from the driver's buf_finish, which runs in process context,
 * while the memory operation of that name may run in a hard interrupt. Does
 * nothing on queues with other memory operations.
 */
void vb2_cma_buf_finish(struct vb2_buffer *vb)
{
	unsigned int plane;

	if (!is_ours(vb->vb2_queue))
		return;

	for (plane = 0; plane < vb->num_planes; plane++) {
		struct vb2_cma_mem *mem = vb->planes[plane].mem_priv;

		if (mem && mem->buf)
			vcma_finish(mem->buf);
	}
}
EXPORT_SYMBOL_GPL(vb2_cma_buf_finish);

/**
 * vb2_cma_plane_resv() - the fences of devices that use a plane
 * @vb: a buffer that is queued, or about to be, of any queue
 * @plane: index of the plane
 *
 * Before a capture engine gets the buffer, all of them should have signalled
 * (DMA_RESV_USAGE_READ).
 *
 * Return: the object, valid as long as the plane has this memory; NULL if other
 * memory operations allocated it, which keep one for each dma-buf
 */
struct dma_resv *vb2_cma_plane_resv(struct vb2_buffer *vb, unsigned int plane)
{
	struct vb2_cma_mem *mem = vb->planes[plane].mem_priv;

	if (vb->memory == VB2_MEMORY_DMABUF)
		return vb->planes[plane].dbuf->resv;
	if (!is_ours(vb->vb2_queue) || !mem->buf)
		return NULL;

	return &mem->buf->resv;
}
EXPORT_SYMBOL_GPL(vb2_cma_plane_resv);

/**
 * vb2_cma_forget_device() - undo the mappings of a device that is going
 * @dev: the device that the queues allocated for
 *
 * To be called at the end of the driver's remove, when DMA has ended and the
 * video nodes are unregistered. Buffers that somebody still uses live on
 * without the device.
 */
void vb2_cma_forget_device(struct device *dev)
{
	vcma_forget_engine(dev);
}
EXPORT_SYMBOL_GPL(vb2_cma_forget_device);

/**
 * vb2_cma_device_in_use() - are there buffers that are mapped for a device?
 * @dev: the device that the queues allocated for
 *
 * Return: true if vb2_cma_forget_device() would have something to undo
 */
bool vb2_cma_device_in_use(struct device *dev)
{
	return vcma_has_engine(dev);
}
EXPORT_SYMBOL_GPL(vb2_cma_device_in_use);

/*
 * If this fails, videobuf2 loses its reference to the dma-buf, which then
 * exists for good. So whatever can be refused is refused in map_dmabuf.
 */
static void *vb2_cma_attach_dmabuf(struct vb2_buffer *vb, struct device *dev,
				   struct dma_buf *dmabuf, unsigned long size)
{
	struct vb2_cma_mem *mem;

	mem = kzalloc_obj(*mem);
	if (!mem)
		return ERR_PTR(-ENOMEM);

	mem->vb = vb;
	mem->dev = dev;
	/* Both live as long as videobuf2 holds the dma-buf for us. */
	mem->dmabuf = dmabuf;
	mem->buf = vcma_from_dmabuf(dmabuf);
	mem->size = size;
	mem->dir = vb->vb2_queue->dma_dir;

	return mem;
}

static int attach(struct vb2_cma_mem *mem)
{
	struct dma_buf_attachment *attach;

	if (mem->dmabuf->size < mem->size)
		return -EFAULT;

	attach = dma_buf_attach(mem->dmabuf, mem->dev);
	if (IS_ERR(attach))
		return PTR_ERR(attach);

	mem->attach = attach;
	if (mem->buf)
		vcma_announce(attach);

	return 0;
}

static int vb2_cma_map_dmabuf(void *buf_priv)
{
	struct vb2_cma_mem *mem = buf_priv;
	struct sg_table *sgt;
	int ret;

	if (!mem->attach) {
		ret = attach(mem);
		if (ret)
			return ret;
	}

	sgt = dma_buf_map_attachment_unlocked(mem->attach, mem->dir);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);

	/* A mapping of our own memory is never bounced; see vcma_in_reach(). */
	if (vcma_contiguous(sgt) < mem->size ||
	    (!mem->buf && vcma_bounced(mem->dev, sgt))) {
		dma_buf_unmap_attachment_unlocked(mem->attach, sgt, mem->dir);
		return -EFAULT;
	}

	mem->sgt = sgt;
	mem->dma_addr = sg_dma_address(sgt->sgl);

	return 0;
}

static void vb2_cma_unmap_dmabuf(void *buf_priv)
{
	struct vb2_cma_mem *mem = buf_priv;

	if (mem->vaddr) {
		struct iosys_map map = IOSYS_MAP_INIT_VADDR(mem->vaddr);

		dma_buf_vunmap_unlocked(mem->dmabuf, &map);
		mem->vaddr = NULL;
	}

	dma_buf_unmap_attachment_unlocked(mem->attach, mem->sgt, mem->dir);
	mem->sgt = NULL;
	mem->dma_addr = 0;
}

static void vb2_cma_detach_dmabuf(void *buf_priv)
{
	struct vb2_cma_mem *mem = buf_priv;

	if (mem->sgt)
		vb2_cma_unmap_dmabuf(mem);
	if (mem->attach)
		dma_buf_detach(mem->dmabuf, mem->attach);
	kfree(mem);
}

const struct vb2_mem_ops vb2_cma_memops = {
	.alloc = vb2_cma_alloc,
	.put = vb2_cma_put,
	.num_users = vb2_cma_num_users,
	.cookie = vb2_cma_cookie,
	.vaddr = vb2_cma_vaddr,
	.mmap = vb2_cma_mmap,
	.get_dmabuf = vb2_cma_get_dmabuf,
	.prepare = vb2_cma_prepare,
	.finish = vb2_cma_finish,
	.attach_dmabuf = vb2_cma_attach_dmabuf,
	.detach_dmabuf = vb2_cma_detach_dmabuf,
	.map_dmabuf = vb2_cma_map_dmabuf,
	.unmap_dmabuf = vb2_cma_unmap_dmabuf,
};
EXPORT_SYMBOL_GPL(vb2_cma_memops);
