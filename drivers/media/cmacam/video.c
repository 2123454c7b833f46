// SPDX-License-Identifier: GPL-2.0-only
/*
 * The capture node: formats, ioctls, controls, registration.
 */
#include <linux/cmacam.h>
#include <linux/dev_printk.h>

#include <media/v4l2-ioctl.h>
#include <media/v4l2-mc.h>

#include "cmacam.h"
#include "vb2-cma.h"

#define VIDEO_DEFAULT_WIDTH	640
#define VIDEO_DEFAULT_HEIGHT	480

static struct cmacam_device *file_cam(struct file *file)
{
	return video_drvdata(file);
}

/* -----------------------------------------------------------------------------
 * Errors in words
 */

static struct cmacam_device *video_cam(struct cmacam_video *video)
{
	return container_of(video, struct cmacam_device, video);
}

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

	dev_err_ratelimited(video_cam(video)->dev, "%s\n", text);
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

	if (ret && ret != -ENOMEM)
		return;

	if (!ret && got >= asked) {
		video_set_error(video, "");
		return;
	}

	vb2_cma_explain_alloc(text, sizeof(text), size, asked, ret ? 0 : got);
	if (ret) {
		cmacam_video_error(video, "%s", text);
	} else {
		dev_info_ratelimited(video_cam(video)->dev, "%s\n", text);
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
	struct cmacam_video *video = &file_cam(file)->video;
	char text[VB2_CMA_TEXT];
	int ret;

	if (b->memory != V4L2_MEMORY_DMABUF)
		return op(file, priv, b);

	video_set_error(video, "");
	ret = op(file, priv, b);

	if ((ret == -EINVAL || ret == -EFAULT) &&
	    vb2_cma_explain_import(text, sizeof(text), video->queue.dev,
				   b->m.fd, b->length, video->pix.sizeimage))
		cmacam_video_error(video, "%s", text);

	return ret;
}

/* -----------------------------------------------------------------------------
 * Ioctls
 */

static int video_querycap(struct file *file, void *priv,
			  struct v4l2_capability *cap)
{
	strscpy(cap->driver, CMACAM_NAME, sizeof(cap->driver));
	strscpy(cap->card, "cmacam board", sizeof(cap->card));

	return 0;
}

/* The channel converts: every format can be had from the one bus format. */
static int video_enum_fmt(struct file *file, void *priv,
			  struct v4l2_fmtdesc *f)
{
	const struct cmacam_format *format;

	if (f->mbus_code && f->mbus_code != CMACAM_MBUS_CODE)
		return -EINVAL;

	format = cmacam_format_by_index(&file_cam(file)->engine, f->index);
	if (!format)
		return -EINVAL;

	f->pixelformat = format->fourcc;

	return 0;
}

static int video_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	f->fmt.pix = file_cam(file)->video.pix;

	return 0;
}

static int video_try_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct cmacam_device *cam = file_cam(file);

	cmacam_format_fill(&cam->engine, &cam->sensor.array, &f->fmt.pix);

	return 0;
}

static int video_s_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct cmacam_device *cam = file_cam(file);
	struct cmacam_video *video = &cam->video;

	if (vb2_is_busy(&video->queue))
		return -EBUSY;

	video_try_fmt(file, priv, f);
	video->pix = f->fmt.pix;
	video->format = cmacam_format_by_fourcc(&cam->engine,
						video->pix.pixelformat);

	return 0;
}

static int video_enum_framesizes(struct file *file, void *priv,
				 struct v4l2_frmsizeenum *fsize)
{
	struct cmacam_device *cam = file_cam(file);
	const struct v4l2_rect *array = &cam->sensor.array;
	const struct cmacam_format *format;

	format = cmacam_format_by_fourcc(&cam->engine, fsize->pixel_format);
	if (fsize->index || !format)
		return -EINVAL;

	fsize->type = V4L2_FRMSIZE_TYPE_STEPWISE;
	fsize->stepwise = (struct v4l2_frmsize_stepwise) {
		.min_width = CMACAM_MIN_SIZE,
		.max_width = cmacam_format_max_width(&cam->engine, array,
						     format),
		.step_width = CMACAM_SIZE_STEP,
		.min_height = CMACAM_MIN_SIZE,
		.max_height = round_down(array->height, CMACAM_SIZE_STEP),
		.step_height = CMACAM_SIZE_STEP,
	};

	return 0;
}

/*
 * Intervals belong to the sensor. Those who know only this node get them
 * here as well: the same value, seen from the other end.
 */
static int video_enum_frameintervals(struct file *file, void *priv,
				     struct v4l2_frmivalenum *ival)
{
	struct cmacam_device *cam = file_cam(file);
	struct v4l2_frmsizeenum fsize = { .pixel_format = ival->pixel_format };
	const struct v4l2_frmsize_stepwise *step = &fsize.stepwise;

	if (ival->index || video_enum_framesizes(file, priv, &fsize))
		return -EINVAL;

	if (ival->width < step->min_width || ival->width > step->max_width ||
	    ival->height < step->min_height ||
	    ival->height > step->max_height ||
	    ival->width % step->step_width ||
	    ival->height % step->step_height)
		return -EINVAL;

	ival->type = V4L2_FRMIVAL_TYPE_CONTINUOUS;
	cmacam_sensor_interval_range(&cam->sensor, &ival->stepwise.min,
				     &ival->stepwise.max);
	ival->stepwise.step = (struct v4l2_fract) { 1, 1 };

	return 0;
}

static int video_g_parm(struct file *file, void *priv,
			struct v4l2_streamparm *parm)
{
	struct cmacam_device *cam = file_cam(file);
	struct v4l2_captureparm *cap = &parm->parm.capture;

	if (parm->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;

	memset(cap, 0, sizeof(*cap));
	cap->capability = V4L2_CAP_TIMEPERFRAME;
	cap->readbuffers = cam->video.queue.min_reqbufs_allocation;
	cmacam_sensor_get_interval(&cam->sensor, &cap->timeperframe);

	return 0;
}

static int video_s_parm(struct file *file, void *priv,
			struct v4l2_streamparm *parm)
{
	struct cmacam_device *cam = file_cam(file);
	struct v4l2_fract interval = parm->parm.capture.timeperframe;
	int ret;

	if (parm->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;

	ret = cmacam_sensor_set_interval(&cam->sensor, &interval);
	if (ret)
		return ret;

	return video_g_parm(file, priv, parm);
}

static int video_reqbufs(struct file *file, void *priv,
			 struct v4l2_requestbuffers *p)
{
	struct cmacam_video *video = &file_cam(file)->video;
	struct vb2_queue *q = &video->queue;
	unsigned int asked = p->count;
	int ret;

	/*
	 * vb2 forgets the queue's coherency at each allocation and takes it
	 * from these flags, so it cannot be set once and for all.
	 */
	p->flags |= cmacam_allocator()->flags;
	ret = vb2_ioctl_reqbufs(file, priv, p);

	if (asked && p->memory == V4L2_MEMORY_MMAP)
		video_explain_alloc(video, ret, video->pix.sizeimage,
				    clamp(asked, q->min_reqbufs_allocation,
					  q->max_num_buffers), p->count);

	return ret;
}

static int video_create_bufs(struct file *file, void *priv,
			     struct v4l2_create_buffers *p)
{
	struct cmacam_video *video = &file_cam(file)->video;
	struct vb2_queue *q = &video->queue;
	unsigned int places = q->max_num_buffers - vb2_get_num_buffers(q);
	unsigned int asked = min(p->count, places);
	int ret;

	p->flags |= cmacam_allocator()->flags;
	ret = vb2_ioctl_create_bufs(file, priv, p);

	if (asked && p->memory == V4L2_MEMORY_MMAP)
		video_explain_alloc(video, ret, p->format.fmt.pix.sizeimage,
				    asked, p->count);

	return ret;
}

static int video_qbuf(struct file *file, void *priv, struct v4l2_buffer *b)
{
	return video_import(file, priv, b, vb2_ioctl_qbuf);
}

static int video_prepare_buf(struct file *file, void *priv,
			     struct v4l2_buffer *b)
{
	return video_import(file, priv, b, vb2_ioctl_prepare_buf);
}

static const struct v4l2_ioctl_ops video_ioctl_ops = {
	.vidioc_querycap = video_querycap,
	.vidioc_enum_fmt_vid_cap = video_enum_fmt,
	.vidioc_g_fmt_vid_cap = video_g_fmt,
	.vidioc_s_fmt_vid_cap = video_s_fmt,
	.vidioc_try_fmt_vid_cap = video_try_fmt,
	.vidioc_enum_framesizes = video_enum_framesizes,
	.vidioc_enum_frameintervals = video_enum_frameintervals,
	.vidioc_g_parm = video_g_parm,
	.vidioc_s_parm = video_s_parm,
	.vidioc_reqbufs = video_reqbufs,
	.vidioc_create_bufs = video_create_bufs,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_prepare_buf = video_prepare_buf,
	.vidioc_qbuf = video_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_remove_bufs = vb2_ioctl_remove_bufs,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
	.vidioc_log_status = v4l2_ctrl_log_status,
	.vidioc_subscribe_event = cmacam_subscribe_event,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
};

static ssize_t video_read(struct file *file, char __user *data, size_t count,
			  loff_t *pos)
{
	struct cmacam_video *video = &file_cam(file)->video;
	ssize_t ret = vb2_fop_read(file, data, count, pos);

	if (ret == -ENOMEM) {
		guard(mutex)(&video->lock);
		video_explain_alloc(video, ret, video->pix.sizeimage,
				    video->queue.min_reqbufs_allocation, 0);
	}

	return ret;
}

static const struct v4l2_file_operations video_fops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.unlocked_ioctl = video_ioctl2,
	.read = video_read,
	.poll = vb2_fop_poll,
	.mmap = vb2_fop_mmap,
};

/* -----------------------------------------------------------------------------
 * Controls
 */

static int video_g_volatile_ctrl(struct v4l2_ctrl *ctrl)
{
	struct cmacam_device *cam =
		container_of(ctrl->handler, struct cmacam_device,
			     video.handler);

	guard(spinlock_irqsave)(&cam->engine.lock);
	ctrl->val = min_t(u32, cam->video.lost, S32_MAX);

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

static int video_init_controls(struct cmacam_video *video)
{
	struct v4l2_ctrl_handler *hdl = &video->handler;

	v4l2_ctrl_handler_init(hdl, 2);
	video->frames_lost = v4l2_ctrl_new_custom(hdl, &video_frames_lost,
						  NULL);
	video->last_error = v4l2_ctrl_new_custom(hdl, &video_last_error, NULL);

	return hdl->error;
}

/* -----------------------------------------------------------------------------
 * Registration
 */

/*
 * The channel scales and converts, so any size up to the sensor's and any
 * format of the same family streams as it is set on this node.
 */
static int video_link_validate(struct media_link *link)
{
	struct video_device *vdev =
		media_entity_to_video_device(link->sink->entity);
	struct cmacam_device *cam = video_get_drvdata(vdev);
	const struct v4l2_pix_format *pix = &cam->video.pix;
	struct v4l2_subdev *sd =
		media_entity_to_v4l2_subdev(link->source->entity);
	struct v4l2_mbus_framefmt *source;
	struct v4l2_subdev_state *state;
	int ret = 0;

	state = v4l2_subdev_lock_and_get_active_state(sd);
	source = v4l2_subdev_state_get_format(state, link->source->index);
	if (source->code != CMACAM_MBUS_CODE || pix->width > source->width ||
	    pix->height > source->height) {
		cmacam_video_error(&cam->video,
				   "%ux%u cannot be made of %ux%u with bus format 0x%04x",
				   pix->width, pix->height, source->width,
				   source->height, source->code);
		ret = -EPIPE;
	}
	v4l2_subdev_unlock_state(state);

	return ret;
}

static const struct media_entity_operations video_entity_ops = {
	.link_validate = video_link_validate,
};

static void video_set_default_format(struct cmacam_device *cam)
{
	struct cmacam_video *video = &cam->video;

	video->pix.width = VIDEO_DEFAULT_WIDTH;
	video->pix.height = VIDEO_DEFAULT_HEIGHT;
	cmacam_format_fill(&cam->engine, &cam->sensor.array, &video->pix);
	video->format = cmacam_format_by_fourcc(&cam->engine,
						video->pix.pixelformat);
}

/**
 * cmacam_video_register() - make the capture node
 * @cam: the board, with its sensor registered
 *
 * Return: 0 or a negative error code
 */
int cmacam_video_register(struct cmacam_device *cam)
{
	struct cmacam_video *video = &cam->video;
	struct video_device *vdev = &video->vdev;
	int ret;

	video_set_default_format(cam);

	ret = video_init_controls(video);
	if (ret)
		return ret;

	ret = cmacam_video_queue_init(cam);
	if (ret)
		return ret;

	strscpy(vdev->name, "cmacam-capture", sizeof(vdev->name));
	vdev->fops = &video_fops;
	vdev->ioctl_ops = &video_ioctl_ops;
	vdev->entity.ops = &video_entity_ops;
	vdev->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_READWRITE |
			    V4L2_CAP_EXT_PIX_FORMAT;
	vdev->ctrl_handler = &video->handler;
	vdev->lock = &video->lock;
	vdev->queue = &video->queue;

	video->pad.flags = MEDIA_PAD_FL_MUST_CONNECT;
	return cmacam_register_node(cam, vdev, &video->pad);
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
