// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of the capture and statistics nodes, between videobuf2 and the
 * engine.
 */
#include <linux/align.h>
#include <linux/dev_printk.h>
#include <linux/pm_runtime.h>

#include "../compat.h"
#include "cmacam.h"
#include "cmacam_trace.h"
#include "vb2-cma.h"

/* -----------------------------------------------------------------------------
 * Client of the engine, with the engine's lock held
 */

/*
 * The board uses addresses in order. One that was passed over belongs to a
 * frame that was lost after it had begun: its buffer is the next to be filled
 * again.
 */
static struct cmacam_buffer *video_take_active(struct cmacam_video *video,
					       dma_addr_t addr,
					       unsigned int *used)
{
	struct cmacam_buffer *buf, *found = NULL;
	LIST_HEAD(passed);

	*used = 0;
	list_for_each_entry(buf, &video->active, list) {
		(*used)++;
		if (cmacam_buffer_addr(buf) == addr) {
			found = buf;
			break;
		}
	}

	if (!found) {
		*used = 0;
		return NULL;
	}

	list_cut_before(&passed, &video->active, &found->list);
	list_splice(&passed, &video->pending);
	list_del(&found->list);

	return found;
}

static void video_complete(struct cmacam_video *video,
			   struct cmacam_buffer *buf,
			   const struct cmacam_frame *frame)
{
	bool error = frame->meta.flags & CMACAM_META_FLAG_ERROR;

	trace_cmacam_frame_done(video, buf->vb.vb2_buf.index, frame);
	buf->vb.sequence = frame->meta.sequence;
	buf->vb.field = V4L2_FIELD_NONE;
	buf->vb.vb2_buf.timestamp = frame->meta.timestamp;
	vb2_set_plane_payload(&buf->vb.vb2_buf, 0,
			      min(frame->bytes, video->pix.sizeimage));
	vb2_buffer_done(&buf->vb.vb2_buf,
			error ? VB2_BUF_STATE_ERROR : VB2_BUF_STATE_DONE);
}

static unsigned int video_frame_done(struct cmacam_channel *ch,
				     struct cmacam_frame *frame)
{
	struct cmacam_video *video = cmacam_channel_video(ch);
	struct cmacam_device *cam = video->cam;
	struct cmacam_buffer *buf = NULL;
	unsigned int used;

	if (video->feed)
		used = cmacam_feed_done(video, frame);
	else
		buf = video_take_active(video, frame->addr, &used);
	if (!used) {
		dev_err_ratelimited(cam->dev,
				    "%s: frame %u has an address that was not queued: %pad\n",
				    video->vdev.name, frame->meta.sequence,
				    &frame->addr);
		return 0;
	}

	video->frames++;
	if (frame->meta.flags & CMACAM_META_FLAG_ERROR)
		video->errors++;

	frame->meta.pixel_rate = cam->sensor.pixel_rate;
	frame->meta.lost = video->lost;
	/*
	 * A program that has the frame finds its record: the record is in the
	 * ring before vb2_buffer_done() makes the frame visible, and both have
	 * locks that the program takes as well.
	 */
	if (cmacam_video_leads(video))
		cmacam_meta_complete(cam, &frame->meta);

	if (buf)
		video_complete(video, buf, frame);

	return used;
}

static void video_frames_lost(struct cmacam_channel *ch, u32 first, u32 count)
{
	struct cmacam_video *video = cmacam_channel_video(ch);

	video->lost += count;
	trace_cmacam_lost(video, first, count);
	cmacam_event_lost(video, first, count);
}

static void video_frame_start(struct cmacam_channel *ch, u32 sequence)
{
	struct cmacam_video *video = cmacam_channel_video(ch);

	trace_cmacam_frame_start(video, sequence);
	cmacam_event_frame_start(video, sequence);
}

static bool video_traces_start(void)
{
	return trace_cmacam_frame_start_enabled();
}

static void video_failed(struct cmacam_channel *ch)
{
	struct cmacam_video *video = cmacam_channel_video(ch);

	if (video->feed)
		video->feed->failed = true;
	else
		vb2_queue_error(&video->queue);
}

const struct cmacam_engine_client cmacam_video_client = {
	.frame_done = video_frame_done,
	.frames_lost = video_frames_lost,
	.frame_start = video_frame_start,
	.traces_start = video_traces_start,
	.refill = cmacam_pending_refill,
	.failed = video_failed,
};

/* -----------------------------------------------------------------------------
 * Operations of the queue
 */

/**
 * cmacam_video_await() - wait until a node can be used
 * @video: the node, with its lock held
 *
 * read() and poll() look whether the node is registered before they wait for
 * the lock, not after. One that gets the lock when the board is gone must find
 * neither the graph nor the registers, and must not map memory for a device
 * that the driver has left. A node that is registered here stays usable while
 * its lock is held: to unregister it, the driver waits for this lock, and then
 * finds the buffers.
 *
 * Return: 0 or a negative error code
 */
int cmacam_video_await(struct cmacam_video *video)
{
	int ret;

	ret = cmacam_await_graph(video->cam);
	if (ret)
		return ret;

	return video_is_registered(&video->vdev) ? 0 : -ENODEV;
}

static int video_queue_setup(struct vb2_queue *q, unsigned int *num_buffers,
			     unsigned int *num_planes, unsigned int sizes[],
			     struct device *alloc_devs[])
{
	struct cmacam_video *video = vb2_get_drv_priv(q);
	u32 size = video->pix.sizeimage;
	int ret;

	ret = cmacam_video_await(video);
	if (ret)
		return ret;

	if (*num_planes)
		return *num_planes != 1 || sizes[0] < size ? -EINVAL : 0;

	*num_planes = 1;
	sizes[0] = size;

	return 0;
}

static int video_buf_prepare(struct vb2_buffer *vb)
{
	struct cmacam_video *video = vb2_get_drv_priv(vb->vb2_queue);
	u32 align = video->channel->caps.addr_align;
	dma_addr_t addr = cmacam_buffer_addr(cmacam_to_buffer(vb));

	if (vb2_plane_size(vb, 0) < video->pix.sizeimage)
		return -EINVAL;

	if (!IS_ALIGNED(addr, align)) {
		cmacam_video_error(video,
				   "the engine needs buffers aligned to %u bytes, but this buffer is at %pad",
				   align, &addr);
		return -EINVAL;
	}

	return 0;
}

static void video_return_buffers(struct cmacam_video *video,
				 enum vb2_buffer_state state)
{
	struct cmacam_buffer *buf, *next;

	cmacam_pending_stop(video);

	guard(spinlock_irqsave)(&video->cam->engine.lock);

	list_splice_init(&video->active, &video->pending);
	list_for_each_entry_safe(buf, next, &video->pending, list) {
		list_del(&buf->list);
		vb2_buffer_done(&buf->vb.vb2_buf, state);
	}
}

static int video_channel_start(struct cmacam_video *video)
{
	const struct v4l2_pix_format *pix = &video->pix;
	const struct cmacam_engine_config config = {
		.width = pix->width,
		.height = pix->height,
		.code = video->code,
		.stride = pix->bytesperline,
		.size = pix->sizeimage,
		.linked = video->linked && v4l2_ctrl_g_ctrl(video->linked),
	};

	return video->cam->engine.ops->start(video->channel, &config);
}

/*
 * The channel scales and converts, so any size up to the sensor's and any
 * format of the same family streams as it is set on this node.
 *
 * This is no link_validate operation: when the first node starts, the media
 * controller would call it for the links of all nodes, without the locks of the
 * other nodes. When another node starts, it would not call it at all.
 */
static int video_check_source(struct cmacam_video *video)
{
	const struct v4l2_pix_format *pix = &video->pix;
	struct v4l2_subdev *sd = &video->cam->sensor.sd;
	struct v4l2_mbus_framefmt source;
	struct v4l2_subdev_state *state;

	state = v4l2_subdev_lock_and_get_active_state(sd);
	source = *v4l2_subdev_state_get_format(state, 0);
	v4l2_subdev_unlock_state(state);

	if (source.code == CMACAM_MBUS_CODE && pix->width <= source.width &&
	    pix->height <= source.height)
		return 0;

	cmacam_video_error(video,
			   "the engine cannot make frames of %ux%u from the sensor's frames of %ux%u with bus format 0x%04x",
			   pix->width, pix->height, source.width, source.height,
			   source.code);

	return -EPIPE;
}

/* What the stream was started with stays so. */
static void video_fix_controls(struct cmacam_video *video, bool fixed)
{
	if (video->linked)
		v4l2_ctrl_grab(video->linked, fixed);
}

/**
 * cmacam_video_run() - start the channel of a node, and the sensor
 * @video: the node, with its lock held; the buffers for the engine are there
 *
 * Return: 0 or a negative error code
 */
int cmacam_video_run(struct cmacam_video *video)
{
	struct cmacam_device *cam = video->cam;
	int ret;

	ret = video_device_pipeline_start(&video->vdev, &cam->pipe);
	if (ret)
		return ret;

	ret = pm_runtime_resume_and_get(cam->dev);
	if (ret)
		goto err_pipeline;

	ret = cmacam_sensor_start(&cam->sensor);
	if (ret)
		goto err_pm;

	scoped_guard(spinlock_irqsave, &cam->engine.lock) {
		video->channel->base = 0;
		video->frames = 0;
		video->errors = 0;
		video->lost = 0;
	}

	video_fix_controls(video, true);
	ret = video_channel_start(video);
	if (ret)
		goto err_sensor;

	return 0;

err_sensor:
	video_fix_controls(video, false);
	cmacam_sensor_stop(&cam->sensor);
err_pm:
	pm_runtime_put_autosuspend(cam->dev);
err_pipeline:
	video_device_pipeline_stop(&video->vdev);
	return ret;
}

/**
 * cmacam_video_halt() - stop what cmacam_video_run() has started
 * @video: the node, with its lock held
 *
 * The engine no longer writes to the buffers when this function returns.
 */
void cmacam_video_halt(struct cmacam_video *video)
{
	struct cmacam_device *cam = video->cam;

	cam->engine.ops->stop(video->channel);
	video_fix_controls(video, false);
	cmacam_sensor_stop(&cam->sensor);
	pm_runtime_put_autosuspend(cam->dev);
	video_device_pipeline_stop(&video->vdev);
	dev_dbg(cam->dev, "%s: stopped: %u frames, %u with errors, %u lost\n",
		video->vdev.name, video->frames, video->errors, video->lost);
}

static int video_check_feed(struct cmacam_video *video)
{
	if (!video->feed)
		return 0;

	cmacam_video_error(video,
			   "%u programs get the statistics by read() from the metadata node; they must close it first",
			   video->cam->feed.users);

	return -EBUSY;
}

static int video_start_streaming(struct vb2_queue *q, unsigned int count)
{
	struct cmacam_video *video = vb2_get_drv_priv(q);
	int ret;

	cmacam_forget_last_frame(q);
	ret = video_check_feed(video);
	if (!ret)
		ret = video_check_source(video);
	if (!ret)
		ret = cmacam_video_run(video);

	if (ret) {
		dev_dbg(video->cam->dev,
			"%s: streaming does not start: error %d\n",
			video->vdev.name, ret);
		video_return_buffers(video, VB2_BUF_STATE_QUEUED);
		return ret;
	}

	dev_dbg(video->cam->dev, "%s: streams into %u buffers\n",
		video->vdev.name, vb2_get_num_buffers(q));

	return 0;
}

static void video_stop_streaming(struct vb2_queue *q)
{
	struct cmacam_video *video = vb2_get_drv_priv(q);

	cmacam_video_halt(video);
	video_return_buffers(video, VB2_BUF_STATE_ERROR);
}

static const struct vb2_ops video_queue_ops = {
	.queue_setup = video_queue_setup,
	.buf_prepare = video_buf_prepare,
	.buf_finish = vb2_cma_buf_finish,
	.buf_queue = cmacam_pending_add,
	.start_streaming = video_start_streaming,
	.stop_streaming = video_stop_streaming,
	COMPAT_VB2_WAIT_OPS
};

/**
 * cmacam_video_queue_init() - make the queue of a node
 * @video: the node
 * @type: V4L2_BUF_TYPE_*; only video can be had by read()
 *
 * Return: 0 or a negative error code
 */
int cmacam_video_queue_init(struct cmacam_video *video, u32 type)
{
	struct vb2_queue *q = &video->queue;

	q->type = type;
	q->io_modes = VB2_MMAP | VB2_DMABUF;
	if (type == V4L2_BUF_TYPE_VIDEO_CAPTURE)
		q->io_modes |= VB2_READ;
	q->dev = video->cam->dev;
	q->drv_priv = video;
	q->ops = &video_queue_ops;
	q->mem_ops = cmacam_allocator()->mem_ops;
	q->allow_cache_hints = true;
	q->buf_struct_size = sizeof(struct cmacam_buffer);
	q->timestamp_flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC |
			     V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
	q->min_queued_buffers = 1;
	q->lock = &video->lock;
	cmacam_pending_init(video);

	return vb2_queue_init(q);
}

static bool video_runs(struct cmacam_video *video)
{
	return video->feed || vb2_start_streaming_called(&video->queue);
}

/**
 * cmacam_video_suspend() - stop the channel, keep the stream
 * @video: the node; nothing else runs while the system is suspended
 */
void cmacam_video_suspend(struct cmacam_video *video)
{
	if (video_runs(video))
		video->cam->engine.ops->stop(video->channel);
}

/**
 * cmacam_video_resume() - go on with the stream
 * @video: the node, whose channel has forgotten everything
 *
 * Sequence numbers go on where they were: nothing was lost, time stood still.
 *
 * Return: 0 or a negative error code
 */
int cmacam_video_resume(struct cmacam_video *video)
{
	int ret;

	if (!video_runs(video))
		return 0;

	scoped_guard(spinlock_irqsave, &video->cam->engine.lock) {
		if (video->feed)
			cmacam_feed_reset(video);
		list_splice_init(&video->active, &video->pending);
		video->channel->base = video->channel->next;
	}

	ret = video_channel_start(video);
	if (ret)
		video_failed(video->channel);

	return ret;
}
