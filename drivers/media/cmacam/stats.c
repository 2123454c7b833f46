// SPDX-License-Identifier: GPL-2.0-only
/*
 * The statistics node: the engine writes a histogram and a grid of zones for
 * each frame, straight into the buffers.
 */
#include <linux/cmacam.h>

#include <media/v4l2-ioctl.h>

#include "cmacam.h"

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

/**
 * cmacam_stats_register() - make the statistics node
 * @cam: the board, with its sensor registered
 *
 * Return: 0 or a negative error code
 */
int cmacam_stats_register(struct cmacam_device *cam)
{
	struct cmacam_video *video = &cam->video[CMACAM_CH_STATS];
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

	vdev->fops = &cmacam_meta_fops;
	vdev->ioctl_ops = &stats_ioctl_ops;
	vdev->device_caps = V4L2_CAP_META_CAPTURE;

	return cmacam_video_register_node(video, "cmacam-stats");
}
