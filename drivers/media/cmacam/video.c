// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nodes that a channel of the engine fills: formats, ioctls, registration.
 * Capture and lores have pictures, statistics has a histogram and a grid of
 * zones for each frame.
 */
#include <linux/cmacam.h>
#include <linux/dev_printk.h>

#include <media/v4l2-ioctl.h>

#include "cmacam.h"

/* By channel: the name of the entity, the size of pictures to begin with. */
static const struct {
	const char *name;
	u32 width;
	u32 height;
} videos[] = {
	[CMACAM_CH_MAIN] = { "cmacam-capture", 640, 480 },
	[CMACAM_CH_LORES] = { "cmacam-lores", 320, 240 },
	[CMACAM_CH_STATS] = { "cmacam-stats" },
};

/* -----------------------------------------------------------------------------
 * Pictures
 */

/* The channel converts: every format can be had from the one bus format. */
static int video_enum_fmt(struct file *file, void *priv,
			  struct v4l2_fmtdesc *f)
{
	const struct cmacam_format *format;

	if (f->mbus_code && f->mbus_code != CMACAM_MBUS_CODE)
		return -EINVAL;

	format = cmacam_format_by_index(cmacam_file_video(file)->channel,
					f->index);
	if (!format)
		return -EINVAL;

	f->pixelformat = format->fourcc;

	return 0;
}

static int video_g_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	f->fmt.pix = cmacam_file_video(file)->pix;

	return 0;
}

static void video_fill_format(const struct cmacam_video *video,
			      struct v4l2_pix_format *pix)
{
	cmacam_video_raise_size(video, pix);
	cmacam_format_fill(video->channel, &video->cam->sensor.array, pix);
}

static void video_use_format(struct cmacam_video *video,
			     const struct v4l2_pix_format *pix)
{
	video->pix = *pix;
	video->code = cmacam_format_by_fourcc(video->channel,
					      pix->pixelformat)->code;
}

static int video_try_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	video_fill_format(cmacam_file_video(file), &f->fmt.pix);

	return 0;
}

static int video_s_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	struct cmacam_video *video = cmacam_file_video(file);
	struct v4l2_pix_format *pix = &f->fmt.pix;

	if (vb2_is_busy(&video->queue))
		return -EBUSY;

	dev_dbg(video->cam->dev, "%s: %ux%u %p4cc asked for\n",
		video->vdev.name, pix->width, pix->height, &pix->pixelformat);
	video_fill_format(video, pix);
	video_use_format(video, pix);
	dev_dbg(video->cam->dev, "%s: %ux%u %p4cc set, stride %u, %u bytes\n",
		video->vdev.name, pix->width, pix->height, &pix->pixelformat,
		pix->bytesperline, pix->sizeimage);

	return 0;
}

/* For those who want to know the largest frame without reading a list. */
static int video_g_selection(struct file *file, void *priv,
			     struct v4l2_selection *s)
{
	const struct v4l2_rect *array =
		&cmacam_file_video(file)->cam->sensor.array;

	if (s->type != V4L2_BUF_TYPE_VIDEO_CAPTURE ||
	    (s->target != V4L2_SEL_TGT_CROP_BOUNDS &&
	     s->target != V4L2_SEL_TGT_CROP_DEFAULT))
		return -EINVAL;

	s->r = (struct v4l2_rect) {
		.width = round_down(array->width, CMACAM_SIZE_STEP),
		.height = round_down(array->height, CMACAM_SIZE_STEP),
	};

	return 0;
}

static int video_g_parm(struct file *file, void *priv,
			struct v4l2_streamparm *parm)
{
	struct cmacam_video *video = cmacam_file_video(file);
	struct v4l2_captureparm *cap = &parm->parm.capture;

	if (parm->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;

	memset(cap, 0, sizeof(*cap));
	cap->capability = V4L2_CAP_TIMEPERFRAME;
	cap->readbuffers = video->queue.min_reqbufs_allocation;
	cmacam_sensor_get_interval(&video->cam->sensor, &cap->timeperframe);

	return 0;
}

static int video_s_parm(struct file *file, void *priv,
			struct v4l2_streamparm *parm)
{
	struct cmacam_device *cam = cmacam_file_video(file)->cam;
	struct v4l2_fract interval = parm->parm.capture.timeperframe;
	int ret;

	if (parm->type != V4L2_BUF_TYPE_VIDEO_CAPTURE)
		return -EINVAL;

	ret = cmacam_sensor_set_interval(&cam->sensor, &interval);
	if (ret)
		return ret;

	return video_g_parm(file, priv, parm);
}

static const struct v4l2_ioctl_ops video_ioctl_ops = {
	.vidioc_querycap = cmacam_video_querycap,
	.vidioc_enum_fmt_vid_cap = video_enum_fmt,
	.vidioc_g_fmt_vid_cap = video_g_fmt,
	.vidioc_s_fmt_vid_cap = video_s_fmt,
	.vidioc_try_fmt_vid_cap = video_try_fmt,
	.vidioc_enum_framesizes = cmacam_video_enum_framesizes,
	.vidioc_enum_frameintervals = cmacam_video_enum_frameintervals,
	.vidioc_g_selection = video_g_selection,
	.vidioc_g_parm = video_g_parm,
	.vidioc_s_parm = video_s_parm,
	.vidioc_reqbufs = cmacam_video_reqbufs,
	.vidioc_create_bufs = cmacam_video_create_bufs,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_prepare_buf = cmacam_video_prepare_buf,
	.vidioc_qbuf = cmacam_video_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_remove_bufs = vb2_ioctl_remove_bufs,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
	.vidioc_log_status = v4l2_ctrl_log_status,
	.vidioc_subscribe_event = cmacam_subscribe_event,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
};

static const struct v4l2_file_operations video_fops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.unlocked_ioctl = video_ioctl2,
	.read = cmacam_video_read,
	.poll = vb2_fop_poll,
	.mmap = vb2_fop_mmap,
};

static int video_init(struct cmacam_video *video)
{
	struct video_device *vdev = &video->vdev;
	struct v4l2_pix_format pix = {
		.width = videos[video->channel->index].width,
		.height = videos[video->channel->index].height,
	};
	int ret;

	video_fill_format(video, &pix);
	video_use_format(video, &pix);

	ret = cmacam_video_queue_init(video, V4L2_BUF_TYPE_VIDEO_CAPTURE);
	if (ret)
		return ret;

	vdev->fops = &video_fops;
	vdev->ioctl_ops = &video_ioctl_ops;
	vdev->device_caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_READWRITE |
			    V4L2_CAP_EXT_PIX_FORMAT;
	video->pad.flags = MEDIA_PAD_FL_MUST_CONNECT;

	return 0;
}

/* -----------------------------------------------------------------------------
 * Statistics
 */

static int stats_enum_fmt(struct file *file, void *priv,
			  struct v4l2_fmtdesc *f)
{
	return cmacam_meta_enum(f, V4L2_META_FMT_CMACAM_STATS,
				"cmacam statistics");
}

static int stats_fmt(struct file *file, void *priv, struct v4l2_format *f)
{
	f->fmt.meta.dataformat = V4L2_META_FMT_CMACAM_STATS;
	f->fmt.meta.buffersize = sizeof(struct cmacam_stats);

	return 0;
}

static const struct v4l2_ioctl_ops stats_ioctl_ops = {
	.vidioc_querycap = cmacam_video_querycap,
	.vidioc_enum_fmt_meta_cap = stats_enum_fmt,
	.vidioc_g_fmt_meta_cap = stats_fmt,
	.vidioc_s_fmt_meta_cap = stats_fmt,
	.vidioc_try_fmt_meta_cap = stats_fmt,
	.vidioc_reqbufs = cmacam_video_reqbufs,
	.vidioc_create_bufs = cmacam_video_create_bufs,
	.vidioc_querybuf = vb2_ioctl_querybuf,
	.vidioc_prepare_buf = cmacam_video_prepare_buf,
	.vidioc_qbuf = cmacam_video_qbuf,
	.vidioc_dqbuf = vb2_ioctl_dqbuf,
	.vidioc_expbuf = vb2_ioctl_expbuf,
	.vidioc_remove_bufs = vb2_ioctl_remove_bufs,
	.vidioc_streamon = vb2_ioctl_streamon,
	.vidioc_streamoff = vb2_ioctl_streamoff,
	.vidioc_log_status = v4l2_ctrl_log_status,
	.vidioc_subscribe_event = cmacam_subscribe_event,
	.vidioc_unsubscribe_event = v4l2_event_unsubscribe,
};

/* read() of the metadata node has the statistics. */
static const struct v4l2_file_operations stats_fops = {
	.owner = THIS_MODULE,
	.open = v4l2_fh_open,
	.release = vb2_fop_release,
	.unlocked_ioctl = video_ioctl2,
	.poll = vb2_fop_poll,
	.mmap = vb2_fop_mmap,
};

static int stats_init(struct cmacam_video *video)
{
	struct video_device *vdev = &video->vdev;
	int ret;

	/* What the board writes and what user space reads. */
	static_assert(sizeof(struct cmacam_stats) ==
		      sizeof(struct cmacam_stats_data));

	video->pix.sizeimage = sizeof(struct cmacam_stats);
	video->code = CMACAM_FMT_STATS;

	ret = cmacam_video_queue_init(video, V4L2_BUF_TYPE_META_CAPTURE);
	if (ret)
		return ret;

	vdev->fops = &stats_fops;
	vdev->ioctl_ops = &stats_ioctl_ops;
	vdev->device_caps = V4L2_CAP_META_CAPTURE;

	return 0;
}

/* -----------------------------------------------------------------------------
 * Registration
 */

/**
 * cmacam_video_register() - make the node of a channel
 * @cam: the board, with its sensor registered
 * @channel: CMACAM_CH_*
 *
 * Return: 0 or a negative error code
 */
int cmacam_video_register(struct cmacam_device *cam, unsigned int channel)
{
	struct cmacam_video *video = &cam->video[channel];
	int ret;

	if (channel == CMACAM_CH_STATS)
		ret = stats_init(video);
	else
		ret = video_init(video);
	if (ret)
		return ret;

	return cmacam_video_register_node(video, videos[channel].name);
}
