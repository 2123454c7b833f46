// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pad of the sensor: its one format, the part of the array that is shown,
 * streaming.
 */
#include <linux/dev_printk.h>
#include <linux/pm_runtime.h>

#include "sensor.h"

static int sensor_enum_mbus_code(struct v4l2_subdev *sd,
				 struct v4l2_subdev_state *state,
				 struct v4l2_subdev_mbus_code_enum *code)
{
	if (code->index)
		return -EINVAL;

	code->code = CMACAM_MBUS_CODE;

	return 0;
}

static int sensor_enum_frame_size(struct v4l2_subdev *sd,
				  struct v4l2_subdev_state *state,
				  struct v4l2_subdev_frame_size_enum *fse)
{
	const struct v4l2_rect *array = &sd_to_sensor(sd)->array;

	if (fse->index || fse->code != CMACAM_MBUS_CODE)
		return -EINVAL;

	fse->min_width = array->width;
	fse->max_width = array->width;
	fse->min_height = array->height;
	fse->max_height = array->height;

	return 0;
}

/* There is one format; to set another one is to be told so. */
static int sensor_set_fmt(struct v4l2_subdev *sd,
			  struct v4l2_subdev_state *state,
			  struct v4l2_subdev_format *format)
{
	format->format = *v4l2_subdev_state_get_format(state, format->pad);

	return 0;
}

static int sensor_get_selection(struct v4l2_subdev *sd,
				struct v4l2_subdev_state *state,
				struct v4l2_subdev_selection *sel)
{
	switch (sel->target) {
	case V4L2_SEL_TGT_NATIVE_SIZE:
	case V4L2_SEL_TGT_CROP_BOUNDS:
	case V4L2_SEL_TGT_CROP_DEFAULT:
		sel->r = sd_to_sensor(sd)->array;
		return 0;
	case V4L2_SEL_TGT_CROP:
		sel->r = *v4l2_subdev_state_get_crop(state, sel->pad);
		return 0;
	}

	return -EINVAL;
}

static u32 fit_size(u32 size, u32 limit, u32 flags)
{
	size = min(size, limit);
	size = flags & V4L2_SEL_FLAG_GE ? round_up(size, CMACAM_SIZE_STEP) :
					  round_down(size, CMACAM_SIZE_STEP);

	return clamp(size, CMACAM_MIN_SIZE, limit);
}

static s32 fit_place(s32 place, u32 size, u32 limit)
{
	place = clamp_t(s32, place, 0, limit - size);

	return round_down(place, CMACAM_SIZE_STEP);
}

static void sensor_write_crop(struct cmacam_sensor *sensor,
			      const struct v4l2_rect *crop)
{
	sensor_write(sensor, CMACAM_SENSOR_CROP_POS,
		     crop->top << 16 | crop->left);
	sensor_write(sensor, CMACAM_SENSOR_CROP_SIZE,
		     crop->height << 16 | crop->width);
}

/*
 * A zoom: whatever part of the array is cropped, the channels scale it to the
 * sizes of their frames. So the format stays, and streams go on.
 */
static int sensor_set_selection(struct v4l2_subdev *sd,
				struct v4l2_subdev_state *state,
				struct v4l2_subdev_selection *sel)
{
	struct cmacam_sensor *sensor = sd_to_sensor(sd);
	const struct v4l2_rect *array = &sensor->array;
	struct v4l2_rect *r = &sel->r;

	if (sel->target != V4L2_SEL_TGT_CROP)
		return -EINVAL;

	r->width = fit_size(r->width, array->width, sel->flags);
	r->height = fit_size(r->height, array->height, sel->flags);
	r->left = fit_place(r->left, r->width, array->width);
	r->top = fit_place(r->top, r->height, array->height);
	*v4l2_subdev_state_get_crop(state, sel->pad) = *r;
	dev_dbg(sd->dev, "crop (%d,%d)/%ux%u\n", r->left, r->top, r->width,
		r->height);

	if (sel->which == V4L2_SUBDEV_FORMAT_ACTIVE &&
	    cmacam_sensor_get_awake(sensor)) {
		sensor_write_crop(sensor, r);
		cmacam_sensor_put_awake(sensor);
	}

	return 0;
}

/* All that the user has set; the state's lock, the handler's, is held. */
static int sensor_write_all(struct cmacam_sensor *sensor,
			    struct v4l2_subdev_state *state)
{
	int ret = __v4l2_ctrl_handler_setup(&sensor->handler);

	if (!ret)
		sensor_write_crop(sensor, v4l2_subdev_state_get_crop(state, 0));

	return ret;
}

static int sensor_enable_streams(struct v4l2_subdev *sd,
				 struct v4l2_subdev_state *state, u32 pad,
				 u64 streams_mask)
{
	struct cmacam_sensor *sensor = sd_to_sensor(sd);
	struct device *dev = sensor_to_cam(sensor)->dev;
	int ret;

	if (sensor->gone)
		return -ENODEV;

	ret = pm_runtime_resume_and_get(dev);
	if (ret)
		return ret;

	ret = sensor_write_all(sensor, state);
	if (ret)
		pm_runtime_put_autosuspend(dev);

	return ret;
}

static int sensor_disable_streams(struct v4l2_subdev *sd,
				  struct v4l2_subdev_state *state, u32 pad,
				  u64 streams_mask)
{
	pm_runtime_put_autosuspend(sensor_to_cam(sd_to_sensor(sd))->dev);

	return 0;
}

/**
 * cmacam_sensor_start() - one more node streams
 * @sensor: the sensor; on its way there is one stream for all of them
 *
 * Return: 0 or a negative error code
 */
int cmacam_sensor_start(struct cmacam_sensor *sensor)
{
	int ret = 0;

	guard(mutex)(&sensor->users_lock);

	if (!sensor->users)
		ret = v4l2_subdev_enable_streams(&sensor->sd, 0, BIT_ULL(0));
	if (!ret)
		sensor->users++;

	return ret;
}

/**
 * cmacam_sensor_stop() - one node less streams
 * @sensor: the sensor
 */
void cmacam_sensor_stop(struct cmacam_sensor *sensor)
{
	guard(mutex)(&sensor->users_lock);

	if (!--sensor->users)
		v4l2_subdev_disable_streams(&sensor->sd, 0, BIT_ULL(0));
}

/**
 * cmacam_sensor_restore() - the board has forgotten everything
 * @sensor: the sensor; nothing else runs while the system resumes
 *
 * Return: 0 or a negative error code
 */
int cmacam_sensor_restore(struct cmacam_sensor *sensor)
{
	struct v4l2_subdev_state *state;
	int ret;

	/* Otherwise it is written when streaming starts. */
	if (!sensor->users)
		return 0;

	state = v4l2_subdev_lock_and_get_active_state(&sensor->sd);
	ret = sensor_write_all(sensor, state);
	v4l2_subdev_unlock_state(state);

	return ret;
}

static const struct v4l2_subdev_core_ops sensor_core_ops = {
	.log_status = v4l2_ctrl_subdev_log_status,
	.subscribe_event = cmacam_sensor_subscribe_event,
	.unsubscribe_event = v4l2_event_subdev_unsubscribe,
};

static const struct v4l2_subdev_pad_ops sensor_pad_ops = {
	.enum_mbus_code = sensor_enum_mbus_code,
	.enum_frame_size = sensor_enum_frame_size,
	.get_fmt = v4l2_subdev_get_fmt,
	.set_fmt = sensor_set_fmt,
	.get_selection = sensor_get_selection,
	.set_selection = sensor_set_selection,
	.enable_streams = sensor_enable_streams,
	.disable_streams = sensor_disable_streams,
};

const struct v4l2_subdev_ops cmacam_sensor_ops = {
	.core = &sensor_core_ops,
	.pad = &sensor_pad_ops,
};

static int sensor_init_state(struct v4l2_subdev *sd,
			     struct v4l2_subdev_state *state)
{
	struct cmacam_sensor *sensor = sd_to_sensor(sd);

	*v4l2_subdev_state_get_format(state, 0) = (struct v4l2_mbus_framefmt) {
		.code = CMACAM_MBUS_CODE,
		.width = sensor->array.width,
		.height = sensor->array.height,
		.field = V4L2_FIELD_NONE,
		.colorspace = V4L2_COLORSPACE_RAW,
		.ycbcr_enc = V4L2_YCBCR_ENC_601,
		.quantization = V4L2_QUANTIZATION_FULL_RANGE,
		.xfer_func = V4L2_XFER_FUNC_NONE,
	};
	*v4l2_subdev_state_get_crop(state, 0) = sensor->array;

	return 0;
}

const struct v4l2_subdev_internal_ops cmacam_sensor_internal_ops = {
	.init_state = sensor_init_state,
};
