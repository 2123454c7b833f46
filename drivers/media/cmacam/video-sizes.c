// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sizes and intervals that the capture nodes enumerate.
 *
 * Every even size up to the sensor's can be set, and any interval within its
 * reach. Most programs know neither ranges nor steps though: they offer what
 * is listed, or find no camera. So a choice of ordinary sizes is listed, with
 * packed lines, and ordinary intervals that the sensor meets.
 */
#include <linux/module.h>

#include "cmacam.h"

static bool stepwise;
module_param(stepwise, bool, 0444);
MODULE_PARM_DESC(stepwise,
		 "Enumerate frame sizes and frame intervals as ranges instead of lists of common values (default: no)");

/* 16:9, 4:3, television's, what networks take; the sensor's comes first. */
static const struct v4l2_frmsize_discrete sizes[] = {
	{ 7680, 4320 }, { 3840, 2160 }, { 2560, 1440 }, { 1920, 1080 },
	{ 1600, 900 },	{ 1366, 768 },	{ 1280, 720 },	{ 960, 540 },
	{ 854, 480 },	{ 640, 360 },	{ 320, 180 },	{ 7680, 5760 },
	{ 3840, 2880 }, { 2560, 1920 }, { 2048, 1536 }, { 1600, 1200 },
	{ 1280, 960 },	{ 1024, 768 },	{ 800, 600 },	{ 640, 480 },
	{ 720, 576 },	{ 720, 480 },	{ 320, 240 },	{ 640, 640 },
	{ 416, 416 },	{ 320, 320 },	{ 300, 300 },	{ 224, 224 },
};

/* The fastest first. */
static const struct v4l2_fract intervals[] = {
	{ 1, 120 }, { 1001, 120000 }, { 1, 60 }, { 1001, 60000 },
	{ 1, 50 },  { 1, 30 },	      { 1001, 30000 }, { 1, 25 },
	{ 1, 24 },  { 1001, 24000 },  { 1, 15 }, { 1, 10 },
	{ 1, 5 },
};

/* The largest frame, and the smallest, that can be set. */
static void sizes_range(const struct cmacam_video *video,
			const struct cmacam_format *format,
			struct v4l2_frmsize_stepwise *range)
{
	const struct v4l2_rect *array = &video->cam->sensor.array;

	*range = (struct v4l2_frmsize_stepwise) {
		.min_width = cmacam_format_min_width(video->channel, format),
		.max_width = cmacam_format_max_width(video->channel, array,
						     format),
		.step_width = cmacam_format_width_step(video->channel, format),
		.min_height = CMACAM_MIN_SIZE,
		.max_height = round_down(array->height, CMACAM_SIZE_STEP),
		.step_height = CMACAM_SIZE_STEP,
	};
}

/* The n-th size of the list that the format can have. */
static bool sizes_listed(const struct cmacam_video *video,
			 const struct cmacam_format *format,
			 const struct v4l2_frmsize_stepwise *range,
			 unsigned int index,
			 struct v4l2_frmsize_discrete *size)
{
	unsigned int i;

	*size = (struct v4l2_frmsize_discrete) { range->max_width,
						 range->max_height };
	if (cmacam_format_is_packed(video->channel, format, size->width)) {
		if (!index--)
			return true;
	}

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		*size = sizes[i];
		if (size->width > range->max_width ||
		    size->height > range->max_height ||
		    (size->width == range->max_width &&
		     size->height == range->max_height) ||
		    !cmacam_format_is_packed(video->channel, format,
					     size->width))
			continue;
		if (!index--)
			return true;
	}

	return false;
}

/**
 * cmacam_video_raise_size() - size for those who name none
 * @video: the node
 * @pix: in: what is wanted; out: the smallest size of the list, if the frame
 *	would be narrower and lower than any
 *
 * Who asks for 0x0 has no wish, or asks for the least that there is. Those who
 * know lists only are to find there what they get.
 */
void cmacam_video_raise_size(const struct cmacam_video *video,
			     struct v4l2_pix_format *pix)
{
	const struct cmacam_format *format;
	struct v4l2_frmsize_discrete size;
	struct v4l2_frmsize_stepwise range;
	unsigned int i;

	format = cmacam_format_by_fourcc(video->channel, pix->pixelformat);
	if (!format)
		format = cmacam_format_by_index(video->channel, 0);

	sizes_range(video, format, &range);
	if (stepwise || pix->width >= range.min_width ||
	    pix->height >= range.min_height)
		return;

	for (i = 0; sizes_listed(video, format, &range, i, &size); i++) {
		if (i && size.width * size.height >= pix->width * pix->height)
			continue;
		pix->width = size.width;
		pix->height = size.height;
	}
}

/**
 * cmacam_video_enum_framesizes() - VIDIOC_ENUM_FRAMESIZES
 * @file: of a capture node
 * @priv: not used
 * @fsize: in: index and format; out: a size, or the range of all
 *
 * Return: 0 or -EINVAL, if there is no such format or no further size
 */
int cmacam_video_enum_framesizes(struct file *file, void *priv,
				 struct v4l2_frmsizeenum *fsize)
{
	const struct cmacam_video *video = cmacam_file_video(file);
	const struct cmacam_format *format;
	struct v4l2_frmsize_stepwise range;

	format = cmacam_format_by_fourcc(video->channel, fsize->pixel_format);
	if (!format)
		return -EINVAL;

	sizes_range(video, format, &range);
	if (stepwise) {
		if (fsize->index)
			return -EINVAL;
		fsize->type = V4L2_FRMSIZE_TYPE_STEPWISE;
		fsize->stepwise = range;
		return 0;
	}

	fsize->type = V4L2_FRMSIZE_TYPE_DISCRETE;
	if (sizes_listed(video, format, &range, fsize->index, &fsize->discrete))
		return 0;
	if (fsize->index)
		return -EINVAL;

	/* No packed line is long enough for this engine. */
	fsize->discrete = (struct v4l2_frmsize_discrete) { range.max_width,
							   range.max_height };

	return 0;
}

/**
 * cmacam_video_enum_frameintervals() - VIDIOC_ENUM_FRAMEINTERVALS
 * @file: of a capture node
 * @priv: not used
 * @ival: in: index, format and size; out: an interval, or the range of all
 *
 * Intervals belong to the sensor. Those who know only this node get them here
 * as well: the same value, seen from the other end. They do not depend on the
 * size, whether it is listed or not.
 *
 * Return: 0 or -EINVAL, if there is no such format, size or further interval
 */
int cmacam_video_enum_frameintervals(struct file *file, void *priv,
				     struct v4l2_frmivalenum *ival)
{
	const struct cmacam_video *video = cmacam_file_video(file);
	struct cmacam_sensor *sensor = &video->cam->sensor;
	const struct cmacam_format *format;
	struct v4l2_frmsize_stepwise range;
	struct v4l2_fract slowest;
	unsigned int index = ival->index;
	unsigned int i;

	format = cmacam_format_by_fourcc(video->channel, ival->pixel_format);
	if (!format)
		return -EINVAL;

	sizes_range(video, format, &range);
	if (ival->width < range.min_width || ival->width > range.max_width ||
	    ival->height < range.min_height ||
	    ival->height > range.max_height ||
	    ival->width % range.step_width || ival->height % range.step_height)
		return -EINVAL;

	if (stepwise) {
		if (index)
			return -EINVAL;
		ival->type = V4L2_FRMIVAL_TYPE_CONTINUOUS;
		cmacam_sensor_interval_range(sensor, &ival->stepwise.min,
					     &ival->stepwise.max);
		ival->stepwise.step = (struct v4l2_fract) { 1, 1 };
		return 0;
	}

	ival->type = V4L2_FRMIVAL_TYPE_DISCRETE;
	for (i = 0; i < ARRAY_SIZE(intervals); i++) {
		ival->discrete = intervals[i];
		if (cmacam_sensor_meets_interval(sensor, &intervals[i]) &&
		    !index--)
			return 0;
	}
	if (ival->index)
		return -EINVAL;

	/* A sensor that meets none of them has at least its fastest. */
	cmacam_sensor_interval_range(sensor, &ival->discrete, &slowest);

	return 0;
}
