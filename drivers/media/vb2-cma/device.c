// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/vb2-cma: cache maintenance for a part of a buffer, and dma-bufs for
 * readers.
 */
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/uaccess.h>
#include <linux/vb2-cma.h>
#include <uapi/linux/dma-buf.h>

#include "vcma-buf.h"

static int to_rect(const struct vb2_cma_sync *sync, size_t size,
		   struct vcma_rect *rect)
{
	u64 end;

	if (sync->flags & ~DMA_BUF_SYNC_VALID_FLAGS_MASK || sync->reserved)
		return -EINVAL;
	if (!(sync->flags & DMA_BUF_SYNC_RW))
		return -EINVAL;
	if (!sync->lines || !sync->line_bytes ||
	    sync->stride < sync->line_bytes)
		return -EINVAL;

	/* Two factors of 32 bits cannot overflow; with the offset they can. */
	end = (u64)(sync->lines - 1) * sync->stride + sync->line_bytes;
	if (check_add_overflow(end, sync->offset, &end) || end > size)
		return -ERANGE;

	rect->offset = sync->offset;
	rect->stride = sync->stride;
	rect->line_bytes = sync->line_bytes;
	rect->lines = sync->lines;

	return 0;
}

static enum dma_data_direction to_dir(u64 flags)
{
	switch (flags & DMA_BUF_SYNC_RW) {
	case DMA_BUF_SYNC_READ:
		return DMA_FROM_DEVICE;
	case DMA_BUF_SYNC_WRITE:
		return DMA_TO_DEVICE;
	default:
		return DMA_BIDIRECTIONAL;
	}
}

static int sync_part(struct dma_buf *dmabuf, const struct vb2_cma_sync *sync)
{
	struct vcma_buf *buf = vcma_from_dmabuf(dmabuf);
	enum dma_data_direction dir = to_dir(sync->flags);
	struct vcma_rect rect;
	int ret;

	ret = to_rect(sync, dmabuf->size, &rect);
	if (ret)
		return ret;
	if (!buf)
		return -EOPNOTSUPP;

	if (sync->flags & DMA_BUF_SYNC_END)
		return vcma_end_dmabuf(dmabuf, dir);

	return vcma_begin_dmabuf(dmabuf, dir, &rect);
}

static long ioctl_sync(const void __user *arg)
{
	struct vb2_cma_sync sync;
	struct dma_buf *dmabuf;
	int ret;

	if (copy_from_user(&sync, arg, sizeof(sync)))
		return -EFAULT;

	dmabuf = dma_buf_get(sync.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	ret = sync_part(dmabuf, &sync);
	dma_buf_put(dmabuf);

	return ret;
}

static long install_reader(struct vcma_buf *buf)
{
	struct dma_buf *reader;
	int fd;

	reader = vcma_export_reader(buf);
	if (IS_ERR(reader))
		return PTR_ERR(reader);

	fd = dma_buf_fd(reader, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(reader);

	return fd;
}

static long ioctl_reader(const void __user *arg)
{
	struct vb2_cma_reader request;
	struct dma_buf *dmabuf;
	struct vcma_buf *buf;
	long ret = -EOPNOTSUPP;

	if (copy_from_user(&request, arg, sizeof(request)))
		return -EFAULT;
	if (request.flags)
		return -EINVAL;

	dmabuf = dma_buf_get(request.fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	/* By it the buffer lives until the new one has a reference. */
	buf = vcma_from_dmabuf(dmabuf);
	if (buf)
		ret = install_reader(buf);
	dma_buf_put(dmabuf);

	return ret;
}

static long device_ioctl(struct file *file, unsigned int cmd,
			 unsigned long arg)
{
	switch (cmd) {
	case VB2_CMA_IOC_SYNC:
		return ioctl_sync((const void __user *)arg);
	case VB2_CMA_IOC_READER:
		return ioctl_reader((const void __user *)arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* Whoever has the dma-buf may do with it what this does. */
static struct miscdevice device_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vb2-cma",
	.fops = &device_fops,
	.mode = 0666,
};

/**
 * vcma_device_init() - make the device node
 *
 * Return: 0 or a negative error code
 */
int vcma_device_init(void)
{
	return misc_register(&device_misc);
}

/**
 * vcma_device_exit() - remove it; nobody has it open
 */
void vcma_device_exit(void)
{
	misc_deregister(&device_misc);
}
