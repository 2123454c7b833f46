// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: lost frames, and starts of frames for those who subscribe.
 */
#include <linux/cmacam.h>

#include "cmacam.h"

#define EVENTS_LOST		16
#define EVENTS_FRAME_SYNC	4

static struct cmacam_engine *event_engine(struct v4l2_subscribed_event *sev)
{
	struct cmacam_device *cam =
		container_of(sev->fh->vdev->v4l2_dev, struct cmacam_device,
			     v4l2_dev);

	return &cam->engine;
}

/*
 * An interrupt per start of frame is not for free: only while it is wanted.
 * Who asks the sensor hears of frames whichever channel takes them.
 */
static void frame_sync_watch(struct v4l2_subscribed_event *sev, bool on)
{
	struct cmacam_engine *engine = event_engine(sev);
	struct cmacam_device *cam =
		container_of(engine, struct cmacam_device, engine);
	unsigned int i;

	for (i = 0; i < engine->num_channels; i++)
		if (sev->fh->vdev == cam->sensor.sd.devnode ||
		    sev->fh->vdev == &cam->video[i].vdev)
			engine->ops->watch_start(&engine->channels[i], on);
}

static int frame_sync_add(struct v4l2_subscribed_event *sev,
			  unsigned int elems)
{
	frame_sync_watch(sev, true);

	return 0;
}

static void frame_sync_del(struct v4l2_subscribed_event *sev)
{
	frame_sync_watch(sev, false);
}

static const struct v4l2_subscribed_event_ops frame_sync_ops = {
	.add = frame_sync_add,
	.del = frame_sync_del,
};

/*
 * The queue of a file is full, and its oldest event is forgotten. If the next
 * event continues the range of lost frames, it takes over the whole range. If
 * not, the jump of the total tells that an event is missing.
 */
static void lost_merge(const struct v4l2_event *oldest,
		       struct v4l2_event *next)
{
	struct cmacam_event_lost from, to;

	memcpy(&from, oldest->u.data, sizeof(from));
	memcpy(&to, next->u.data, sizeof(to));
	/* The total shows whether both are of the same streaming session. */
	if (from.first + from.count != to.first ||
	    from.total + to.count != to.total)
		return;

	to.first = from.first;
	to.count += from.count;
	memcpy(next->u.data, &to, sizeof(to));
}

static const struct v4l2_subscribed_event_ops lost_ops = {
	.merge = lost_merge,
};

/**
 * cmacam_subscribe_event() - subscribe on a node that the engine fills
 * @fh: file
 * @sub: what to
 *
 * Return: 0 or a negative error code
 */
int cmacam_subscribe_event(struct v4l2_fh *fh,
			   const struct v4l2_event_subscription *sub)
{
	switch (sub->type) {
	case V4L2_EVENT_CMACAM_LOST:
		return v4l2_event_subscribe(fh, sub, EVENTS_LOST, &lost_ops);
	case V4L2_EVENT_FRAME_SYNC:
		return v4l2_event_subscribe(fh, sub, EVENTS_FRAME_SYNC,
					    &frame_sync_ops);
	}

	return v4l2_ctrl_subscribe_event(fh, sub);
}

/**
 * cmacam_sensor_subscribe_event() - subscribe on the sensor
 * @sd: sensor
 * @fh: file
 * @sub: what to
 *
 * Return: 0 or a negative error code
 */
int cmacam_sensor_subscribe_event(struct v4l2_subdev *sd, struct v4l2_fh *fh,
				  struct v4l2_event_subscription *sub)
{
	if (sub->type == V4L2_EVENT_FRAME_SYNC)
		return v4l2_event_subscribe(fh, sub, EVENTS_FRAME_SYNC,
					    &frame_sync_ops);

	return v4l2_ctrl_subdev_subscribe_event(sd, fh, sub);
}

/**
 * cmacam_event_lost() - tell a node's users of lost frames
 * @video: the node, which has counted them
 * @first: first missing sequence number
 * @count: how many
 */
void cmacam_event_lost(struct cmacam_video *video, u32 first, u32 count)
{
	const struct cmacam_event_lost lost = {
		.first = first,
		.count = count,
		.total = video->lost,
	};
	struct v4l2_event event = {
		.type = V4L2_EVENT_CMACAM_LOST,
	};

	memcpy(event.u.data, &lost, sizeof(lost));
	v4l2_event_queue(&video->vdev, &event);
}

/**
 * cmacam_event_frame_start() - tell the users of a node, and of the sensor
 * @video: the node; the engine's lock is held
 * @sequence: of the frame that begins
 *
 * The sensor has one start for the frames of all channels.
 */
void cmacam_event_frame_start(struct cmacam_video *video, u32 sequence)
{
	const struct v4l2_event event = {
		.type = V4L2_EVENT_FRAME_SYNC,
		.u.frame_sync.frame_sequence = sequence,
	};

	v4l2_event_queue(&video->vdev, &event);
	if (cmacam_video_leads(video))
		v4l2_event_queue(video->cam->sensor.sd.devnode, &event);
}
