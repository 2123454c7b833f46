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

/* An interrupt per start of frame is not for free: only while it is wanted. */
static int frame_sync_add(struct v4l2_subscribed_event *sev,
			  unsigned int elems)
{
	struct cmacam_engine *engine = event_engine(sev);

	engine->ops->watch_start(engine, true);

	return 0;
}

static void frame_sync_del(struct v4l2_subscribed_event *sev)
{
	struct cmacam_engine *engine = event_engine(sev);

	engine->ops->watch_start(engine, false);
}

static const struct v4l2_subscribed_event_ops frame_sync_ops = {
	.add = frame_sync_add,
	.del = frame_sync_del,
};

/**
 * cmacam_subscribe_event() - subscribe on the capture node
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
		return v4l2_event_subscribe(fh, sub, EVENTS_LOST, NULL);
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
 * cmacam_event_lost() - tell the capture node's users of lost frames
 * @cam: the board
 * @first: first missing sequence number
 * @count: how many
 * @total: since streaming began
 */
void cmacam_event_lost(struct cmacam_device *cam, u32 first, u32 count,
		       u32 total)
{
	const struct cmacam_event_lost lost = {
		.first = first,
		.count = count,
		.total = total,
	};
	struct v4l2_event event = {
		.type = V4L2_EVENT_CMACAM_LOST,
	};

	memcpy(event.u.data, &lost, sizeof(lost));
	v4l2_event_queue(&cam->video.vdev, &event);
}

/**
 * cmacam_event_frame_start() - tell the users of capture node and sensor
 * @cam: the board
 * @sequence: of the frame that begins
 */
void cmacam_event_frame_start(struct cmacam_device *cam, u32 sequence)
{
	const struct v4l2_event event = {
		.type = V4L2_EVENT_FRAME_SYNC,
		.u.frame_sync.frame_sequence = sequence,
	};

	v4l2_event_queue(&cam->video.vdev, &event);
	v4l2_event_queue(cam->sensor.sd.devnode, &event);
}
