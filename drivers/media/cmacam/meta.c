// SPDX-License-Identifier: GPL-2.0-only
/*
 * The metadata node: for each frame what was in force when it was taken.
 */
#include <linux/cmacam.h>
#include <linux/dma-buf.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/poll.h>
#include <linux/wait.h>

#include <media/v4l2-ioctl.h>
#include <media/videobuf2-vmalloc.h>

#include "../compat.h"
#include "cmacam.h"

static struct cmacam_buffer *meta_pop(struct cmacam_meta *meta)
{
	struct cmacam_buffer *buf;

	lockdep_assert_held(&meta->slock);

	buf = list_first_entry_or_null(&meta->pending, struct cmacam_buffer,
				       list);
	if (buf)
		list_del(&buf->list);

	return buf;
}

/* Hand the record to the program that streams from the node. */
static void meta_fill(struct cmacam_meta *meta,
		      const struct cmacam_frame_meta *record)
{
	struct cmacam_buffer *buf = meta_pop(meta);
	struct cmacam_frame_meta *to;

	if (!buf) {
		meta->lost += vb2_is_streaming(&meta->queue);
		meta->missed += vb2_is_streaming(&meta->queue);
		return;
	}

	to = vb2_plane_vaddr(&buf->vb.vb2_buf, 0);
	*to = *record;
	to->overrun = meta->missed;
	meta->missed = 0;
	vb2_set_plane_payload(&buf->vb.vb2_buf, 0, sizeof(*record));
	buf->vb.sequence = record->sequence;
	buf->vb.vb2_buf.timestamp = record->timestamp;
	vb2_buffer_done(&buf->vb.vb2_buf, VB2_BUF_STATE_DONE);
}

/**
 * cmacam_meta_complete() - hand out the record of a frame
 * @cam: the board
 * @record: the record, from the channel that leads; its stamps of other clocks
 *	are not set yet
 *
 * Any context. The caller completes the buffer of the frame only after this
 * function, so a program that has the frame finds the record.
 */
void cmacam_meta_complete(struct cmacam_device *cam,
			  struct cmacam_frame_meta *record)
{
	struct cmacam_meta *meta = &cam->meta;
	ktime_t stamp = ns_to_ktime(record->timestamp);

	/*
	 * The video node streams on while this one stops: until the record is
	 * written and handed out, stop_streaming must not find the list empty
	 * and let the memory go.
	 */
	guard(spinlock_irqsave)(&meta->slock);

	/* While one channel hands the lead over to another, both have it. */
	if (record->timestamp <= meta->last)
		return;
	meta->last = record->timestamp;

	record->realtime = ktime_to_ns(ktime_mono_to_real(stamp));
	record->tai = ktime_to_ns(ktime_mono_to_any(stamp, TK_OFFS_TAI));

	meta->ring[meta->written++ % CMACAM_META_RECORDS] = *record;
	wake_up_interruptible_poll(&meta->readable, EPOLLIN | EPOLLRDNORM);
	meta_fill(meta, record);
}

/* -----------------------------------------------------------------------------
 * Queue
 */

static int meta_queue_setup(struct vb2_queue *q, unsigned int *num_buffers,
			    unsigned int *num_planes, unsigned int sizes[],
			    struct device *alloc_devs[])
{
	if (*num_planes)
		return *num_planes != 1 ||
		       sizes[0] < sizeof(struct cmacam_frame_meta) ?
		       -EINVAL : 0;

	*num_planes = 1;
	sizes[0] = sizeof(struct cmacam_frame_meta);

	return 0;
}

/*
 * If an attachment fails, videobuf2 never drops its reference to the dma-buf.
 * So a dma-buf that is too small is attached, and meta_buf_prepare() refuses
 * it.
 */
static void *meta_attach_dmabuf(struct vb2_buffer *vb, struct device *dev,
				struct dma_buf *dmabuf, unsigned long size)
{
	return vb2_vmalloc_memops.attach_dmabuf(vb, dev, dmabuf,
						min(size, dmabuf->size));
}

/* The mapping is made here, since it must not be in the interrupt handler. */
static int meta_buf_prepare(struct vb2_buffer *vb)
{
	if (vb->memory == VB2_MEMORY_DMABUF &&
	    vb->planes[0].dbuf->size < vb2_plane_size(vb, 0))
		return -EFAULT;
	if (vb2_plane_size(vb, 0) < sizeof(struct cmacam_frame_meta))
		return -EINVAL;

	return vb2_plane_vaddr(vb, 0) ? 0 : -ENOMEM;
}

static void meta_buf_queue(struct vb2_buffer *vb)
{
	struct cmacam_device *cam = vb2_get_drv_priv(vb->vb2_queue);

	guard(spinlock_irqsave)(&cam->meta.slock);
	list_add_tail(&cmacam_to_buffer(vb)->list, &cam->meta.pending);
}

/* Records come with the frames, whenever those begin to flow. */
static int meta_start_streaming(struct vb2_queue *q, unsigned int count)
{
	struct cmacam_device *cam = vb2_get_drv_priv(q);

	cmacam_forget_last_frame(q);

	guard(spinlock_irqsave)(&cam->meta.slock);
	cam->meta.lost = 0;
	cam->meta.missed = 0;

	return 0;
}

static void meta_stop_streaming(struct vb2_queue *q)
{
	struct cmacam_device *cam = vb2_get_drv_priv(q);
	struct cmacam_buffer *buf;

	guard(spinlock_irqsave)(&cam->meta.slock);

	while ((buf = meta_pop(&cam->meta)))
		vb2_buffer_done(&buf->vb.vb2_buf, VB2_BUF_STATE_ERROR);
}

static const struct vb2_ops meta_queue_ops = {
	.queue_setup = meta_queue_setup,
	.buf_prepare = meta_buf_prepare,
	.buf_queue = meta_buf_queue,
	.start_streaming = meta_start_streaming,
	.stop_streaming = meta_stop_streaming,
	COMPAT_VB2_WAIT_OPS
};

static int meta_queue_init(struct cmacam_device *cam)
{
	struct vb2_queue *q = &cam->meta.queue;

	cam->meta.mem_ops = vb2_vmalloc_memops;
	cam->meta.mem_ops.attach_dmabuf = meta_attach_dmabuf;

	q->type = V4L2_BUF_TYPE_META_CAPTURE;
	q->io_modes = VB2_MMAP | VB2_DMABUF;
	q->dev = cam->dev;
	q->drv_priv = cam;
	q->ops = &meta_queue_ops;
	q->mem_ops = &cam->meta.mem_ops;
	q->buf_struct_size = sizeof(struct cmacam_buffer);
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC |
			     V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
	q->lock = &cam->meta.lock;

	return vb2_queue_init(q);
}

/* -----------------------------------------------------------------------------
 * Node
 */

/**
 * cmacam_meta_enum() - answer VIDIOC_ENUM_FMT on a node with one format
 * @f: question and answer
 * @format: V4L2_META_FMT_*
 * @description: of it
 *
 * Return: 0, or -EINVAL if there is no such format
 */
int cmacam_meta_enum(struct v4l2_fmtdesc *f, u32 format,
		     const char *description)
{
	if (f->index || (f->mbus_code && f->mbus_code != CMACAM_MBUS_CODE))
		return -EINVAL;

	f->pixelformat = format;
	strscpy(f->description, description, sizeof(f->description));

	return 0;
}

static int meta_enum_fmt(struct file *file, void *priv,
			 struct v4l2_fmtdesc *f)
{
	return cmacam_meta_enum(f, V4L2_META_FMT_CMACAM,
				"cmacam frame record");
}

static int meta_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	f->fmt.meta.dataformat = V4L2_META_FMT_CMACAM;
	f->fmt.meta.buffersize = sizeof(struct cmacam_frame_meta);

	return 0;
}

static const struct v4l2_ioctl_ops meta_ioctl_ops = {
	.vidioc_querycap = cmacam_video_querycap,
	.vidioc_enum_fmt_meta_cap = meta_enum_fmt,
	.vidioc_g_fmt_meta_cap = meta_fmt,
	.vidioc_s_fmt_meta_cap = meta_fmt,
	.vidioc_try_fmt_meta_cap = meta_fmt,
	.vidioc_reqbufs = vb2_ioctl_reqbufs,
	.vidioc_create_bufs = vb2_ioctl_create_bufs,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_prepare_buf = vb2_ioctl_prepare_buf,
	.vidioc_qbuf = vb2_ioctl_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_remove_bufs = vb2_ioctl_remove_bufs,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
};

static const struct v4l2_file_operations meta_fops = {
	.owner = THIS_MODULE,
	.open = cmacam_meta_open,
	.release = cmacam_meta_release,
	.read = cmacam_meta_read,
	.unlocked_ioctl = video_ioctl2,
	.poll = cmacam_meta_poll,
	.mmap = vb2_fop_mmap,
};

/**
 * cmacam_meta_init() - before anything of it is used
 * @meta: the node
 */
void cmacam_meta_init(struct cmacam_meta *meta)
{
	mutex_init(&meta->lock);
	spin_lock_init(&meta->slock);
	INIT_LIST_HEAD(&meta->pending);
	init_waitqueue_head(&meta->readable);
}

/**
 * cmacam_meta_register() - make the metadata node
 * @cam: the board, with its sensor registered
 *
 * Return: 0 or a negative error code
 */
int cmacam_meta_register(struct cmacam_device *cam)
{
	struct cmacam_meta *meta = &cam->meta;
	struct video_device *vdev = &meta->vdev;
	int ret;

	ret = meta_queue_init(cam);
	if (ret)
		return ret;

	strscpy(vdev->name, "cmacam-metadata", sizeof(vdev->name));
	vdev->fops = &meta_fops;
	vdev->ioctl_ops = &meta_ioctl_ops;
	vdev->device_caps = V4L2_CAP_META_CAPTURE | V4L2_CAP_READWRITE;
	vdev->lock = &meta->lock;
	vdev->queue = &meta->queue;

	return cmacam_register_node(cam, vdev, &meta->pad);
}

/**
 * cmacam_meta_unregister() - end streaming, and wake the readers
 * @meta: the node, registered or not
 */
void cmacam_meta_unregister(struct cmacam_meta *meta)
{
	vb2_video_unregister_device(&meta->vdev);
	wake_up_interruptible_all(&meta->readable);
}
