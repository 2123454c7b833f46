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
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

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

/* Returns where the device finds the buffer, as one piece, and its size. */
static void *window(struct import *import, size_t *size)
{
	struct scatterlist *sg;

	lockdep_assert_held(&import->lock);

	if (!import->attachment || import->table->nents != 1)
		return NULL;
	sg = import->table->sgl;
	*size = sg_dma_len(sg);

	return phys_to_virt(dma_to_phys(&device->dev, sg_dma_address(sg)));
}

static ssize_t importer_read(struct file *file, char __user *data,
			     size_t count, loff_t *offset)
{
	struct import *import = file->private_data;
	size_t size = 0;
	void *start;

	guard(mutex)(&import->lock);

	start = window(import, &size);
	if (!start)
		return -EINVAL;

	return simple_read_from_buffer(data, count, offset, start, size);
}

static ssize_t importer_write(struct file *file, const char __user *data,
			      size_t count, loff_t *offset)
{
	struct import *import = file->private_data;
	size_t size = 0;
	void *start;

	guard(mutex)(&import->lock);

	start = window(import, &size);
	if (!start || import->dir == DMA_TO_DEVICE)
		return -EINVAL;

	return simple_write_to_buffer(start, size, offset, data, count);
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
