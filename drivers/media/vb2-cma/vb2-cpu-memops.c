// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffers as videobuf2 memory operations of a queue whose driver writes the
 * frames by the CPU. No engine sees the memory: what the CPU wrote is what
 * counts, and nothing may invalidate it.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/iosys-map.h>
#include <linux/slab.h>

#include <media/videobuf2-core.h>

#include "vcma-buf.h"
#include "vb2-cma.h"

/**
 * struct vb2_cma_cpu_mem - memory of one plane that the CPU fills
 * @buf: the buffer; NULL if the memory was imported
 * @dmabuf: of an import; NULL if the memory was allocated
 * @size: bytes that must be there
 * @vaddr: kernel mapping of an import
 * @filling: true from the moment at which the driver gets the buffer until it
 *	is dequeued
 *
 * videobuf2 calls all operations that change it under the lock of the queue.
 * The one exception, finish, may run in an interrupt, and touches nothing.
 */
struct vb2_cma_cpu_mem {
	struct vcma_buf *buf;
	struct dma_buf *dmabuf;
	size_t size;
	void *vaddr;
	bool filling;
};

/*
 * There is no DMA address. A driver that asks for one all the same gets an
 * address at which no machine has memory.
 */
static dma_addr_t no_address = DMA_MAPPING_ERROR;

static void *vb2_cma_cpu_alloc(struct vb2_buffer *vb, struct device *dev,
			       unsigned long size)
{
	struct vb2_cma_cpu_mem *mem;
	char account[64];

	mem = kzalloc_obj(*mem);
	if (!mem)
		return ERR_PTR(-ENOMEM);

	snprintf(account, sizeof(account), "%s by the CPU", dev_name(dev));
	mem->buf = vcma_buf_alloc(dev, false, size, DMA_BIDIRECTIONAL,
				  vb->vb2_queue->gfp_flags, account);
	if (IS_ERR(mem->buf)) {
		void *err = ERR_CAST(mem->buf);

		kfree(mem);
		return err;
	}
	mem->size = size;

	return mem;
}

/* What stock importers wrote is valid before, and what the CPU wrote after. */
static void vb2_cma_cpu_prepare(void *buf_priv)
{
	struct vb2_cma_cpu_mem *mem = buf_priv;

	if (mem->filling)
		return;

	if (mem->buf) {
		vcma_vmap(mem->buf);
		mem->filling = true;
	} else {
		mem->filling = !dma_buf_begin_cpu_access(mem->dmabuf,
							 DMA_BIDIRECTIONAL);
	}
}

static void end_filling(struct vb2_cma_cpu_mem *mem)
{
	if (!mem->filling)
		return;

	mem->filling = false;
	if (mem->buf)
		vcma_filled(mem->buf);
	else
		dma_buf_end_cpu_access(mem->dmabuf, DMA_BIDIRECTIONAL);
}

/*
 * Runs in vb2_buffer_done(), possibly in a hard interrupt: too early. Whoever
 * reads the frame waits for VIDIOC_DQBUF.
 */
static void vb2_cma_cpu_finish(void *buf_priv)
{
}

/**
 * vb2_cma_cpu_buf_finish() - show others what the CPU wrote
 * @vb: the buffer
 *
 * To be called from the buf_finish of a driver whose queue has
 * vb2_cma_cpu_memops. Does nothing on other queues.
 */
void vb2_cma_cpu_buf_finish(struct vb2_buffer *vb)
{
	unsigned int plane;

	if (vb->vb2_queue->mem_ops->finish != vb2_cma_cpu_finish)
		return;

	for (plane = 0; plane < vb->num_planes; plane++) {
		struct vb2_cma_cpu_mem *mem = vb->planes[plane].mem_priv;

		if (mem)
			end_filling(mem);
	}
}
EXPORT_SYMBOL_GPL(vb2_cma_cpu_buf_finish);

static void vb2_cma_cpu_put(void *buf_priv)
{
	struct vb2_cma_cpu_mem *mem = buf_priv;

	end_filling(mem);
	vcma_buf_put(mem->buf);
	kfree(mem);
}

/* Who else uses an import is its exporter's business. */
static unsigned int vb2_cma_cpu_num_users(void *buf_priv)
{
	struct vb2_cma_cpu_mem *mem = buf_priv;

	return mem->buf ? refcount_read(&mem->buf->refcount) : 1;
}

static void *vb2_cma_cpu_cookie(struct vb2_buffer *vb, void *buf_priv)
{
	return &no_address;
}

static void *vb2_cma_cpu_vaddr(struct vb2_buffer *vb, void *buf_priv)
{
	struct vb2_cma_cpu_mem *mem = buf_priv;

	return mem->buf ? vcma_vaddr(mem->buf) : mem->vaddr;
}

static int vb2_cma_cpu_mmap(void *buf_priv, struct vm_area_struct *vma)
{
	struct vb2_cma_cpu_mem *mem = buf_priv;

	/* mmap() does not wait for the lock under which buffers are made. */
	if (!mem)
		return -EINVAL;

	return vcma_mmap_own_file(mem->buf, vma);
}

static struct dma_buf *vb2_cma_cpu_get_dmabuf(struct vb2_buffer *vb,
					      void *buf_priv,
					      unsigned long flags)
{
	struct vb2_cma_cpu_mem *mem = buf_priv;

	return vcma_export(mem->buf, flags);
}

static void *vb2_cma_cpu_attach_dmabuf(struct vb2_buffer *vb,
				       struct device *dev,
				       struct dma_buf *dmabuf,
				       unsigned long size)
{
	struct vb2_cma_cpu_mem *mem;

	mem = kzalloc_obj(*mem);
	if (!mem)
		return ERR_PTR(-ENOMEM);

	/* It lives as long as videobuf2 holds the dma-buf for us. */
	mem->dmabuf = dmabuf;
	mem->size = size;

	return mem;
}

/* No device is attached: the CPU's mapping is all that is needed. */
static int vb2_cma_cpu_map_dmabuf(void *buf_priv)
{
	struct vb2_cma_cpu_mem *mem = buf_priv;
	struct iosys_map map;
	int ret;

	if (mem->dmabuf->size < mem->size)
		return -EFAULT;

	ret = dma_buf_vmap_unlocked(mem->dmabuf, &map);
	if (ret)
		return ret;
	if (map.is_iomem) {
		dma_buf_vunmap_unlocked(mem->dmabuf, &map);
		return -EFAULT;
	}
	mem->vaddr = map.vaddr;

	return 0;
}

static void vb2_cma_cpu_unmap_dmabuf(void *buf_priv)
{
	struct vb2_cma_cpu_mem *mem = buf_priv;
	struct iosys_map map = IOSYS_MAP_INIT_VADDR(mem->vaddr);

	end_filling(mem);
	dma_buf_vunmap_unlocked(mem->dmabuf, &map);
	mem->vaddr = NULL;
}

static void vb2_cma_cpu_detach_dmabuf(void *buf_priv)
{
	struct vb2_cma_cpu_mem *mem = buf_priv;

	if (mem->vaddr)
		vb2_cma_cpu_unmap_dmabuf(mem);
	kfree(mem);
}

const struct vb2_mem_ops vb2_cma_cpu_memops = {
	.alloc = vb2_cma_cpu_alloc,
	.put = vb2_cma_cpu_put,
	.num_users = vb2_cma_cpu_num_users,
	.cookie = vb2_cma_cpu_cookie,
	.vaddr = vb2_cma_cpu_vaddr,
	.mmap = vb2_cma_cpu_mmap,
	.get_dmabuf = vb2_cma_cpu_get_dmabuf,
	.prepare = vb2_cma_cpu_prepare,
	.finish = vb2_cma_cpu_finish,
	.attach_dmabuf = vb2_cma_cpu_attach_dmabuf,
	.detach_dmabuf = vb2_cma_cpu_detach_dmabuf,
	.map_dmabuf = vb2_cma_cpu_map_dmabuf,
	.unmap_dmabuf = vb2_cma_cpu_unmap_dmabuf,
};
EXPORT_SYMBOL_GPL(vb2_cma_cpu_memops);
