// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stock importer of dma-bufs, like a GPU or a codec, for the tests. Its DMA
 * is done by the CPU, at the address that the DMA API gave: read() returns what
 * the device would read there, and write() writes what the device would write.
 *
 * The device snoops the caches, unless the shim noncoherent makes it one that
 * does not.
 */
#include <linux/dma-buf.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pfn.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "../../../drivers/media/compat.h"

#define NAME	"test-importer"

/* The argument is the file descriptor of a dma-buf, the result 0 or an error */
#define IMPORT_TO_READ	_IO('i', DMA_TO_DEVICE)
#define IMPORT_TO_WRITE	_IO('i', DMA_FROM_DEVICE)
#define IMPORT_BOTH	_IO('i', DMA_BIDIRECTIONAL)

/**
 * struct import - what one open file has imported
 * @lock: guards the other members
 * @attachment: of the dma-buf; NULL if there is none
 * @table: its mapping
 * @dir: direction of the mapping
 */
struct import {
	struct mutex lock; /* see above */
	struct dma_buf_attachment *attachment;
	struct sg_table *table;
	enum dma_data_direction dir;
};

static struct platform_device *device;

static int importer_open(struct inode *inode, struct file *file)
{
	struct import *import = kzalloc_obj(*import);

	if (!import)
		return -ENOMEM;
	mutex_init(&import->lock);
	file->private_data = import;

	return 0;
}

static int importer_release(struct inode *inode, struct file *file)
{
	struct import *import = file->private_data;

	if (import->attachment) {
		struct dma_buf *dmabuf = import->attachment->dmabuf;

		dma_buf_unmap_attachment_unlocked(import->attachment,
						  import->table, import->dir);
		dma_buf_detach(dmabuf, import->attachment);
		dma_buf_put(dmabuf);
	}
	mutex_destroy(&import->lock);
	kfree(import);

	return 0;
}

static int map(struct import *import, struct dma_buf *dmabuf,
	       enum dma_data_direction dir)
{
	struct dma_buf_attachment *attachment;
	struct sg_table *table;

	attachment = dma_buf_attach(dmabuf, &device->dev);
	if (IS_ERR(attachment))
		return PTR_ERR(attachment);

	table = dma_buf_map_attachment_unlocked(attachment, dir);
	if (IS_ERR(table)) {
		dma_buf_detach(dmabuf, attachment);
		return PTR_ERR(table);
	}

	import->attachment = attachment;
	import->table = table;
	import->dir = dir;

	return 0;
}

static long importer_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	struct import *import = file->private_data;
	struct dma_buf *dmabuf;
	int ret;

	if (cmd != IMPORT_TO_READ && cmd != IMPORT_TO_WRITE &&
	    cmd != IMPORT_BOTH)
		return -ENOTTY;

	guard(mutex)(&import->lock);

	if (import->attachment)
		return -EBUSY;

	dmabuf = dma_buf_get(arg);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	/* The attachment of a file that is open holds the dma-buf. */
	ret = map(import, dmabuf, _IOC_NR(cmd));
	if (ret)
		dma_buf_put(dmabuf);

	return ret;
}

/* Finds the buffer, as the device sees it: one piece, and its size. */
static int window(struct import *import, phys_addr_t *start, size_t *size)
{
	struct scatterlist *sg;

	lockdep_assert_held(&import->lock);

	if (!import->attachment || import->table->nents != 1)
		return -EINVAL;
	sg = import->table->sgl;
	*start = dma_to_phys(&device->dev, sg_dma_address(sg));
	*size = sg_dma_len(sg);

	return 0;
}

/* Returns the number of bytes that were copied. */
static size_t copy_within_page(phys_addr_t phys, char __user *to,
			       const char __user *from, size_t size)
{
	/* On 32 bits, the kernel may have no mapping of its own. */
	void *page = kmap_local_page(pfn_to_page(PHYS_PFN(phys)));
	void *mem = page + offset_in_page(phys);
	size_t left;

	if (to)
		left = copy_to_user(to, mem, size);
	else
		left = copy_from_user(mem, from, size);
	kunmap_local(page);

	return size - left;
}

/* Copies to a program if @to is set, otherwise from a program. */
static ssize_t copy(struct import *import, char __user *to,
		    const char __user *from, size_t count, loff_t *offset)
{
	phys_addr_t start, phys;
	size_t size, done, part;
	int ret;

	ret = window(import, &start, &size);
	if (ret)
		return ret;
	if (*offset >= size)
		return 0;
	count = min_t(u64, count, size - *offset);

	for (done = 0; done < count; done += part) {
		phys = start + *offset + done;
		part = min(count - done, PAGE_SIZE - offset_in_page(phys));
		part = copy_within_page(phys, to ? to + done : NULL,
					from + done, part);
		if (!part)
			return -EFAULT;
	}
	*offset += done;

	return done;
}

static ssize_t importer_read(struct file *file, char __user *data,
			     size_t count, loff_t *offset)
{
	struct import *import = file->private_data;

	guard(mutex)(&import->lock);

	return copy(import, data, NULL, count, offset);
}

static ssize_t importer_write(struct file *file, const char __user *data,
			      size_t count, loff_t *offset)
{
	struct import *import = file->private_data;

	guard(mutex)(&import->lock);

	if (import->dir == DMA_TO_DEVICE)
		return -EINVAL;

	return copy(import, NULL, data, count, offset);
}

static const struct file_operations importer_fops = {
	.owner = THIS_MODULE,
	.open = importer_open,
	.release = importer_release,
	.unlocked_ioctl = importer_ioctl,
	.read = importer_read,
	.write = importer_write,
	.llseek = default_llseek,
};

static struct miscdevice importer_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = NAME,
	.fops = &importer_fops,
};

static int importer_probe(struct platform_device *pdev)
{
	int ret;

	ret = dma_coerce_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (ret)
		return ret;
	/* It takes a buffer as one piece, whatever its size. */
	dma_set_max_seg_size(&pdev->dev, UINT_MAX);

	return misc_register(&importer_misc);
}

static void importer_remove(struct platform_device *pdev)
{
	misc_deregister(&importer_misc);
}

static struct platform_driver importer_driver = {
	.driver.name = NAME,
	.probe = importer_probe,
	.remove = importer_remove,
};

static int __init importer_init(void)
{
	int ret;

	device = platform_device_register_simple(NAME, PLATFORM_DEVID_NONE,
						 NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	compat_set_dma_coherent(&device->dev);

	ret = platform_driver_register(&importer_driver);
	if (ret)
		platform_device_unregister(device);

	return ret;
}
module_init(importer_init);

static void __exit importer_exit(void)
{
	platform_driver_unregister(&importer_driver);
	platform_device_unregister(device);
}
module_exit(importer_exit);

MODULE_DESCRIPTION("Stock importer of dma-bufs, for tests");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
