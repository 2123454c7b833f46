// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the nodes have in common: the allocator, errors in words, ioctls,
 * controls, registration.
 */
#include <linux/cmacam.h>
#include <linux/dev_printk.h>
#include <linux/module.h>
#include <linux/sched/signal.h>

#include <media/v4l2-ioctl.h>
#include <media/videobuf2-dma-contig.h>

#include "cmacam.h"
#include "vb2-cma.h"

/**
 * cmacam_file_video() - the node that a file belongs to
 * @file: the file
 *
 * Return: the node
 */
struct cmacam_video *cmacam_file_video(struct file *file)
{
	return container_of(video_devdata(file), struct cmacam_video, vdev);
}

/**
 * cmacam_video_leads() - whether the frames of a node stand for the sensor's
 * @video: the node; the engine's lock is held
 *
 * Return: true of the main node if its channel is started, else of the first
 *	that makes the sensor run
 */
bool cmacam_video_leads(const struct cmacam_video *video)
{
	const struct cmacam_engine *engine = &video->cam->engine;
	unsigned int i;

	for (i = 0; i < engine->num_channels; i++)
		if (engine->channels[i].started && !engine->channels[i].linked)
			return video->channel == &engine->channels[i];

	return false;
}

/* -----------------------------------------------------------------------------
 * Allocator
 */

static char *allocator = "vb2-cma";
module_param(allocator, charp, 0444);
MODULE_PARM_DESC(allocator,
		 "Allocator of the frames' memory: vb2-cma (default; cached memory), dma-contig (stock allocator) or dma-contig-cached (stock allocator with non-coherent memory)");

static const struct cmacam_allocator allocators[] = {
	{ .name = "vb2-cma", .mem_ops = &vb2_cma_memops },
	{ .name = "dma-contig", .mem_ops = &vb2_dma_contig_memops },
	{
		/* The flag has an effect only on a queue that takes hints. */
		.name = "dma-contig-cached",
		.mem_ops = &vb2_dma_contig_memops,
		.flags = V4L2_MEMORY_FLAG_NON_COHERENT,
	},
};

/**
 * cmacam_allocator_check_parameter() - is there such an allocator?
 * @dev: for the message
 *
 * Return: 0 or -EINVAL
 */
int cmacam_allocator_check_parameter(struct device *dev)
{
	if (cmacam_allocator())
		return 0;

	return dev_err_probe(dev, -EINVAL,
			     "allocator=%s is not a known value; the values are: vb2-cma dma-contig dma-contig-cached\n",
			     allocator);
}

/**
 * cmacam_allocator() - the allocator that the module parameter names
 *
 * Return: the allocator, NULL if there is none of that name
 */
const struct cmacam_allocator *cmacam_allocator(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(allocators); i++)
		if (!strcmp(allocator, allocators[i].name))
			return &allocators[i];

	return NULL;
}

/* -----------------------------------------------------------------------------
 * Errors in words
 */

/* Setting the control takes locks and sends events: only when it changes. */
static void video_set_error(struct cmacam_video *video, const char *text)
{
	if (*text || video->has_error)
		v4l2_ctrl_s_ctrl_string(video->last_error, text);
	video->has_error = *text;
}

/**
 * cmacam_video_error() - tell what went wrong, to the user and to the log
 * @video: the node, with its lock held
 * @format: one sentence without a full stop
 */
void cmacam_video_error(struct cmacam_video *video, const char *format, ...)
{
	char text[VB2_CMA_TEXT];
	va_list args;

	va_start(args, format);
	vscnprintf(text, sizeof(text), format, args);
	va_end(args);

	dev_err_ratelimited(video->cam->dev, "%s\n", text);
	video_set_error(video, text);
}

/*
 * Fewer than asked for will do, if not as well as the user thought. What the
 * queue has no places for is not the fault of memory.
 */
static void video_explain_alloc(struct cmacam_video *video, int ret, u32 size,
				unsigned int asked, unsigned int got)
{
	char text[VB2_CMA_TEXT];

	/* vb2 makes -ENOMEM of any reason, such as a process that is killed. */
	if ((ret && ret != -ENOMEM) || fatal_signal_pending(current))
		return;

	if (!ret && got >= asked) {
		video_set_error(video, "");
		return;
	}

	vb2_cma_explain_alloc(text, sizeof(text), size, asked, ret ? 0 : got);
	if (ret) {
		cmacam_video_error(video, "%s", text);
	} else {
		dev_info_ratelimited(video->cam->dev, "%s\n", text);
		video_set_error(video, text);
	}
}

/*
 * An import is an operation of its own: what an earlier one suffered from is
 * history. Buffers of our own have nothing to be told about.
 */
static int video_import(struct file *file, void *priv, struct v4l2_buffer *b,
			int (*op)(struct file *, void *, struct v4l2_buffer *))
{
	struct cmacam_video *video = cmacam_file_video(file);
	char text[VB2_CMA_TEXT];
	int ret;

	if (b->memory != V4L2_MEMORY_DMABUF)
		return op(file, priv, b);

	video_set_error(video, "");
	ret = op(file, priv, b);

	if ((ret == -EINVAL || ret == -EFAULT || ret == -EACCES) &&
	    vb2_cma_explain_import(text, sizeof(text), video->queue.dev,
				   b->m.fd, b->length, video->pix.sizeimage))
		cmacam_video_error(video, "%s", text);

	return ret;
}

/* -----------------------------------------------------------------------------
 * Ioctls, as in struct v4l2_ioctl_ops
 */

int cmacam_video_querycap(struct file *file, void *priv,
			  struct v4l2_capability *cap)
{
	strscpy(cap->driver, CMACAM_NAME, sizeof(cap->driver));
	/* What a browser shows where one chooses a camera. */
	strscpy(cap->card, video_devdata(file)->name, sizeof(cap->card));

	return 0;
}

#define NO_USERPTR "Memory of the program (V4L2_MEMORY_USERPTR) cannot be used for frames: use V4L2_MEMORY_MMAP or V4L2_MEMORY_DMABUF"

/*
 * videobuf2 refuses it without a word. It is no error for the log, because
 * programs try which memory there is; with no buffers they do nothing else.
 */
static void video_explain_memory(struct cmacam_video *video, int ret,
				 unsigned int asked, u32 memory)
{
	if (ret != -EINVAL || !asked || memory != V4L2_MEMORY_USERPTR)
		return;

	dev_info_ratelimited(video->cam->dev, NO_USERPTR "\n");
	video_set_error(video, NO_USERPTR);
}

int cmacam_video_reqbufs(struct file *file, void *priv,
			 struct v4l2_requestbuffers *p)
{
	struct cmacam_video *video = cmacam_file_video(file);
	struct vb2_queue *q = &video->queue;
	unsigned int asked = p->count;
	int ret;

	/*
	 * vb2 forgets the queue's coherency at each allocation and takes it
	 * from these flags, so it cannot be set once and for all.
	 */
	p->flags |= cmacam_allocator()->flags;
	ret = vb2_ioctl_reqbufs(file, priv, p);
	video_explain_memory(video, ret, asked, p->memory);

	if (asked && p->memory == V4L2_MEMORY_MMAP)
		video_explain_alloc(video, ret, video->pix.sizeimage,
				    clamp(asked, q->min_reqbufs_allocation,
					  q->max_num_buffers), p->count);

	return ret;
}

int cmacam_video_create_bufs(struct file *file, void *priv,
			     struct v4l2_create_buffers *p)
{
	struct cmacam_video *video = cmacam_file_video(file);
	struct vb2_queue *q = &video->queue;
	unsigned int places = q->max_num_buffers - vb2_get_num_buffers(q);
	unsigned int asked = min(p->count, places);
	u32 size;
	int ret;

	p->flags |= cmacam_allocator()->flags;
	ret = vb2_ioctl_create_bufs(file, priv, p);
	video_explain_memory(video, ret, asked, p->memory);

	size = q->type == V4L2_BUF_TYPE_META_CAPTURE ?
	       p->format.fmt.meta.buffersize : p->format.fmt.pix.sizeimage;
	if (asked && p->memory == V4L2_MEMORY_MMAP)
		video_explain_alloc(video, ret, size, asked, p->count);

	return ret;
}

int cmacam_video_qbuf(struct file *file, void *priv, struct v4l2_buffer *b)
{
	return video_import(file, priv, b, vb2_ioctl_qbuf);
}

int cmacam_video_prepare_buf(struct file *file, void *priv,
			     struct v4l2_buffer *b)
{
	return video_import(file, priv, b, vb2_ioctl_prepare_buf);
}

ssize_t cmacam_video_read(struct file *file, char __user *data, size_t count,
			  loff_t *pos)
{
	struct cmacam_video *video = cmacam_file_video(file);
	ssize_t ret = vb2_fop_read(file, data, count, pos);

	if (ret == -ENOMEM) {
		guard(mutex)(&video->lock);
		video_explain_alloc(video, ret, video->pix.sizeimage,
				    video->queue.min_reqbufs_allocation, 0);
	}

	return ret;
}

/* -----------------------------------------------------------------------------
 * Controls
 */

static int video_g_volatile_ctrl(struct v4l2_ctrl *ctrl)
{
	struct cmacam_video *video =
		container_of(ctrl->handler, struct cmacam_video, handler);

	guard(spinlock_irqsave)(&video->cam->engine.lock);
	ctrl->val = min_t(u32, video->lost, S32_MAX);

	return 0;
}

static const struct v4l2_ctrl_ops video_ctrl_ops = {
	.g_volatile_ctrl = video_g_volatile_ctrl,
};

static const struct v4l2_ctrl_config video_frames_lost = {
	.ops = &video_ctrl_ops,
	.id = V4L2_CID_CMACAM_FRAMES_LOST,
	.name = "Frames Lost",
	.type = V4L2_CTRL_TYPE_INTEGER,
	.max = S32_MAX,
	.step = 1,
	.flags = V4L2_CTRL_FLAG_READ_ONLY | V4L2_CTRL_FLAG_VOLATILE,
};

static const struct v4l2_ctrl_config video_last_error = {
	.id = V4L2_CID_CMACAM_LAST_ERROR,
	.name = "Last Error",
	.type = V4L2_CTRL_TYPE_STRING,
	.max = VB2_CMA_TEXT - 1,
	.step = 1,
	.flags = V4L2_CTRL_FLAG_READ_ONLY,
};

/* Looked at when streaming starts, and fixed from then on. */
static const struct v4l2_ctrl_config video_linked = {
	.id = V4L2_CID_CMACAM_LINKED,
	.name = "Linked",
	.type = V4L2_CTRL_TYPE_BOOLEAN,
	.max = 1,
	.step = 1,
};

static int video_init_controls(struct cmacam_video *video)
{
	struct v4l2_ctrl_handler *hdl = &video->handler;

	v4l2_ctrl_handler_init(hdl, 3);
	video->frames_lost = v4l2_ctrl_new_custom(hdl, &video_frames_lost,
						  NULL);
	video->last_error = v4l2_ctrl_new_custom(hdl, &video_last_error, NULL);
	if (video->channel->index == CMACAM_CH_LORES)
		video->linked = v4l2_ctrl_new_custom(hdl, &video_linked, NULL);

	return hdl->error;
}

/* -----------------------------------------------------------------------------
 * Lifetime
 */

/**
 * cmacam_video_init() - before anything of it is used
 * @cam: the board
 * @channel: the channel that fills it
 */
void cmacam_video_init(struct cmacam_device *cam, unsigned int channel)
{
	struct cmacam_video *video = &cam->video[channel];

	video->cam = cam;
	video->channel = &cam->engine.channels[channel];
	mutex_init(&video->lock);
	INIT_LIST_HEAD(&video->pending);
	INIT_LIST_HEAD(&video->active);
}

/**
 * cmacam_register_node() - make a video device that the sensor feeds
 * @cam: the board, with its sensor registered
 * @vdev: the node; what tells it from the others is set
 * @pad: its only pad; flags beyond MEDIA_PAD_FL_SINK are set
 *
 * Return: 0 or a negative error code
 */
int cmacam_register_node(struct cmacam_device *cam, struct video_device *vdev,
			 struct media_pad *pad)
{
	int ret;

	pad->flags |= MEDIA_PAD_FL_SINK;
	ret = media_entity_pads_init(&vdev->entity, 1, pad);
	if (ret)
		return ret;

	vdev->device_caps |= V4L2_CAP_STREAMING | V4L2_CAP_IO_MC;
	vdev->vfl_dir = VFL_DIR_RX;
	vdev->v4l2_dev = &cam->v4l2_dev;
	vdev->release = video_device_release_empty;
	video_set_drvdata(vdev, cam);

	ret = video_register_device(vdev, VFL_TYPE_VIDEO, -1);
	if (ret)
		return ret;

	return media_create_pad_link(&cam->sensor.sd.entity, 0, &vdev->entity,
				     0, MEDIA_LNK_FL_ENABLED |
				     MEDIA_LNK_FL_IMMUTABLE);
}

/**
 * cmacam_video_register_node() - make the node
 * @video: the node; format, queue, and what tells its &video_device from the
 *	others are set
 * @name: of the entity
 *
 * Return: 0 or a negative error code
 */
int cmacam_video_register_node(struct cmacam_video *video, const char *name)
{
	struct video_device *vdev = &video->vdev;
	int ret;

	ret = video_init_controls(video);
	if (ret)
		return ret;

	strscpy(vdev->name, name, sizeof(vdev->name));
	vdev->ctrl_handler = &video->handler;
	vdev->lock = &video->lock;
	vdev->queue = &video->queue;

	return cmacam_register_node(video->cam, vdev, &video->pad);
}

/**
 * cmacam_video_free() - the last file is closed
 * @video: the node
 */
void cmacam_video_free(struct cmacam_video *video)
{
	media_entity_cleanup(&video->vdev.entity);
	v4l2_ctrl_handler_free(&video->handler);
	mutex_destroy(&video->lock);
}
