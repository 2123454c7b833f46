// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on purpose: one for each detector of the debug kernel, to show that
 * it is awake. Loading the module with fault=NAME commits that fault; nothing
 * but the tests of subject "detectors" ever loads it.
 */

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/string.h>

#define BYTES 256
/* One pointer may survive in a register or on a stack, not all of these. */
#define LEAKS 16

static char *fault = "";
module_param(fault, charp, 0444);
MODULE_PARM_DESC(fault, "the fault to commit");

/* KASAN: a byte of freed memory is read. */
static int use_after_free(struct device *dev)
{
	char *freed = kmalloc(BYTES, GFP_KERNEL);

	if (!freed)
		return -ENOMEM;
	kfree(freed);
	/* The compiler would warn, had it seen this. */
	OPTIMIZER_HIDE_VAR(freed);
	(void)READ_ONCE(*freed);
	return 0;
}

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

/* Lockdep: two locks taken in either order, if never at the same time. */
static int lock_inversion(struct device *dev)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
	return 0;
}

/* A mapping for the faults of the DMA API; the memory is *data. */
static dma_addr_t map_some(struct device *dev, void **data)
{
	dma_addr_t dma;

	*data = kmalloc(BYTES, GFP_KERNEL);
	if (!*data)
		return DMA_MAPPING_ERROR;
	dma = dma_map_single(dev, *data, BYTES, DMA_FROM_DEVICE);
	if (dma_mapping_error(dev, dma)) {
		kfree(*data);
		return DMA_MAPPING_ERROR;
	}
	return dma;
}

/* DMA-API: memory that is mapped no more is synchronised. */
static int sync_unmapped(struct device *dev)
{
	void *data;
	dma_addr_t dma = map_some(dev, &data);

	if (dma == DMA_MAPPING_ERROR)
		return -ENOMEM;
	dma_unmap_single(dev, dma, BYTES, DMA_FROM_DEVICE);
	dma_sync_single_for_cpu(dev, dma, BYTES, DMA_FROM_DEVICE);
	kfree(data);
	return 0;
}

/* DMA-API: less is unmapped than was mapped. */
static int unmap_wrong_size(struct device *dev)
{
	void *data;
	dma_addr_t dma = map_some(dev, &data);

	if (dma == DMA_MAPPING_ERROR)
		return -ENOMEM;
	dma_unmap_single(dev, dma, BYTES / 2, DMA_FROM_DEVICE);
	kfree(data);
	return 0;
}

/* kmemleak: nobody points to this memory any more. */
static int leak(struct device *dev)
{
	unsigned int i;

	for (i = 0; i < LEAKS; i++)
		if (!kmalloc(BYTES, GFP_KERNEL))
			return -ENOMEM;
	return 0;
}

static const struct {
	const char *name;
	int (*commit)(struct device *dev);
} faults[] = {
	{ "use-after-free", use_after_free },
	{ "lock-inversion", lock_inversion },
	{ "sync-unmapped", sync_unmapped },
	{ "unmap-wrong-size", unmap_wrong_size },
	{ "leak", leak },
};

static struct platform_device *device;

static int __init planted_init(void)
{
	unsigned int i;
	int ret = -EINVAL;

	device = platform_device_register_simple("cmacam-planted", -1, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	dma_coerce_mask_and_coherent(&device->dev, DMA_BIT_MASK(64));

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(fault, faults[i].name))
			ret = faults[i].commit(&device->dev);
	if (ret)
		platform_device_unregister(device);
	return ret;
}
module_init(planted_init);

static void __exit planted_exit(void)
{
	platform_device_unregister(device);
}
module_exit(planted_exit);

MODULE_DESCRIPTION("Faults on purpose, for the debug kernel's detectors");
MODULE_LICENSE("GPL");
