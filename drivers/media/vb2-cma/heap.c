// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same buffers without a camera: /dev/dma_heap/video-contiguous.
 *
 * The name follows Documentation/userspace-api/dma-buf-heaps.rst: it says what
 * the memory is for and that it is contiguous, but not which code allocates it.
 *
 * A module of its own: a heap cannot be taken back, so this one stays for
 * good, while vb2-cma without it can be unloaded.
 */
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#include "../compat.h"
#include "vcma-buf.h"
#include "vb2-cma.h"

/* Stands for the devices to come; it never accesses the memory itself. */
static struct platform_device *heap_device;

static struct dma_buf *heap_allocate(struct dma_heap *heap, unsigned long len,
				     u32 fd_flags, u64 heap_flags)
{
	struct device *dev = &heap_device->dev;
	struct dma_buf *dmabuf;
	struct vcma_buf *buf;

	buf = vcma_buf_alloc(dev, false, PAGE_ALIGN(len), DMA_BIDIRECTIONAL, 0,
			     "heap");
	if (IS_ERR(buf)) {
		char text[VB2_CMA_TEXT];

		vb2_cma_explain_alloc(text, sizeof(text), len, 1, 0);
		dev_err_ratelimited(dev, "%s\n", text);
		return ERR_CAST(buf);
	}

	/* The dma-buf has a reference of its own. */
	dmabuf = vcma_export(buf, fd_flags);
	vcma_buf_put(buf);

	return dmabuf;
}

static const struct dma_heap_ops heap_ops = {
	.allocate = heap_allocate,
};

static int __init heap_init(void)
{
	const struct dma_heap_export_info info = {
		.name = "video-contiguous",
		.ops = &heap_ops,
	};
	struct dma_heap *heap;
	int ret;

	heap_device = platform_device_register_simple("vb2-cma-heap",
						      PLATFORM_DEVID_NONE,
						      NULL, 0);
	if (IS_ERR(heap_device))
		return PTR_ERR(heap_device);

	ret = dma_coerce_mask_and_coherent(&heap_device->dev,
					   DMA_BIT_MASK(64));
	if (ret)
		goto err_device;

	heap = dma_heap_add(&info);
	if (IS_ERR(heap)) {
		ret = PTR_ERR(heap);
		goto err_device;
	}

	return 0;

err_device:
	platform_device_unregister(heap_device);
	return ret;
}

/* No exit: the core has no way to forget a heap. */
module_init(heap_init);

MODULE_DESCRIPTION("Cacheable contiguous buffers as a dma-heap");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
MODULE_IMPORT_NS("DMA_BUF_HEAP");
