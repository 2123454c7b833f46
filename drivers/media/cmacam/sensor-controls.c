// SPDX-License-Identifier: GPL-2.0-only
/*
 * The controls of the sensor, which are the board's sensor registers.
 */
#include <linux/pm_runtime.h>

#include <media/v4l2-fwnode.h>

#include "sensor.h"

#define SENSOR_CLUSTER		10

static const char * const sensor_patterns[] = {
	[CMACAM_PATTERN_OFF] = "Disabled",
	[CMACAM_PATTERN_BARS] = "75% Colour Bars",
	[CMACAM_PATTERN_RAMP] = "Grey Ramp",
	[CMACAM_PATTERN_SOLID] = "Mid Grey",
};

/*
 * The board samples its registers at the start of a frame. Hold defers that,
 * so that a group written together takes effect on one frame. Holds nest: to
 * shorten the frame may shorten the exposure.
 */
static void sensor_hold(struct cmacam_sensor *sensor)
{
	lockdep_assert_held(sensor->handler.lock);

	if (!sensor->holds++)
		sensor_write(sensor, CMACAM_SENSOR_HOLD, 1);
}

static void sensor_release(struct cmacam_sensor *sensor)
{
	lockdep_assert_held(sensor->handler.lock);

	if (!--sensor->holds)
		sensor_write(sensor, CMACAM_SENSOR_HOLD, 0);
}

static void sensor_write_ctrl(struct cmacam_sensor *sensor, u32 reg,
			      const struct v4l2_ctrl *ctrl)
{
	if (ctrl->is_new)
		sensor_write(sensor, reg, ctrl->val);
}

/* Where a control of the cluster is not new, its value is the current one. */
static void sensor_write_cluster(struct cmacam_sensor *sensor)
{
	u32 flip = (sensor->hflip->val ? CMACAM_FLIP_HORIZONTAL : 0) |
		   (sensor->vflip->val ? CMACAM_FLIP_VERTICAL : 0);

	sensor_write_ctrl(sensor, CMACAM_SENSOR_EXPOSURE, sensor->exposure);
	sensor_write_ctrl(sensor, CMACAM_SENSOR_GAIN, sensor->gain);
	sensor_write_ctrl(sensor, CMACAM_SENSOR_PATTERN, sensor->pattern);
	if (sensor->hflip->is_new || sensor->vflip->is_new)
		sensor_write(sensor, CMACAM_SENSOR_FLIP, flip);
	sensor_write_ctrl(sensor, CMACAM_ISP_RED_GAIN, sensor->red);
	sensor_write_ctrl(sensor, CMACAM_ISP_BLUE_GAIN, sensor->blue);
	sensor_write_ctrl(sensor, CMACAM_ISP_BRIGHTNESS, sensor->brightness);
	sensor_write_ctrl(sensor, CMACAM_ISP_CONTRAST, sensor->contrast);
	sensor_write_ctrl(sensor, CMACAM_ISP_SATURATION, sensor->saturation);
}

static u32 sensor_max_exposure(struct cmacam_sensor *sensor, u32 vblank)
{
	return sensor->array.height + vblank - sensor->exposure_margin;
}

static int sensor_update_vblank(struct cmacam_sensor *sensor, u32 vblank)
{
	u32 max = sensor_max_exposure(sensor, vblank);

	return __v4l2_ctrl_modify_range(sensor->exposure,
					sensor->exposure->minimum, max, 1,
					min(max, sensor->default_exposure));
}

/**
 * cmacam_sensor_get_awake() - may registers be written now?
 * @sensor: the sensor, with the handler's lock held
 *
 * Registers are there for those that have this: under the same lock gone is
 * set before they are unmapped. Values set while the board sleeps reach it
 * when streaming starts. What is written until cmacam_sensor_put_awake() takes
 * effect on one frame.
 *
 * Return: whether they may, and are to be given back
 */
bool cmacam_sensor_get_awake(struct cmacam_sensor *sensor)
{
	struct device *dev = sensor_to_cam(sensor)->dev;
	int in_use = sensor->gone ? 0 : pm_runtime_get_if_in_use(dev);

	if (!in_use)
		return false;

	/* Where there is no runtime PM, the board does not sleep. */
	if (in_use < 0)
		pm_runtime_get_noresume(dev);
	sensor_hold(sensor);

	return true;
}

/**
 * cmacam_sensor_put_awake() - no more registers are written
 * @sensor: the sensor, which cmacam_sensor_get_awake() said to be awake
 */
void cmacam_sensor_put_awake(struct cmacam_sensor *sensor)
{
	sensor_release(sensor);
	pm_runtime_put_autosuspend(sensor_to_cam(sensor)->dev);
}

/*
 * The blanking is no part of the cluster: a new range of the exposure must be
 * in force before the exposure's new value is checked against it. What it does
 * to the exposure lands in the same frame.
 */
static int sensor_s_ctrl(struct v4l2_ctrl *ctrl)
{
	struct cmacam_sensor *sensor =
		container_of(ctrl->handler, struct cmacam_sensor, handler);
	bool awake = cmacam_sensor_get_awake(sensor);
	int ret = 0;

	switch (ctrl->id) {
	case V4L2_CID_VBLANK:
		ret = sensor_update_vblank(sensor, ctrl->val);
		if (!ret && awake)
			sensor_write(sensor, CMACAM_SENSOR_VBLANK, ctrl->val);
		break;
	case V4L2_CID_EXPOSURE:
		if (awake)
			sensor_write_cluster(sensor);
		break;
	}

	if (awake)
		cmacam_sensor_put_awake(sensor);

	return ret;
}

static const struct v4l2_ctrl_ops sensor_ctrl_ops = {
	.s_ctrl = sensor_s_ctrl,
};

/* Ranges and defaults are part of the contract with the board. */
static void sensor_init_processing(struct cmacam_sensor *sensor)
{
	struct v4l2_ctrl_handler *hdl = &sensor->handler;

	sensor->hflip = v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops,
					  V4L2_CID_HFLIP, 0, 1, 1, 0);
	sensor->vflip = v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops,
					  V4L2_CID_VFLIP, 0, 1, 1, 0);
	sensor->red = v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops,
					V4L2_CID_RED_BALANCE,
					CMACAM_ISP_COLOUR_GAIN_MIN,
					CMACAM_ISP_COLOUR_GAIN_MAX, 1,
					CMACAM_ISP_UNITY);
	sensor->blue = v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops,
					 V4L2_CID_BLUE_BALANCE,
					 CMACAM_ISP_COLOUR_GAIN_MIN,
					 CMACAM_ISP_COLOUR_GAIN_MAX, 1,
					 CMACAM_ISP_UNITY);
	sensor->brightness = v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops,
					       V4L2_CID_BRIGHTNESS,
					       CMACAM_ISP_BRIGHTNESS_MIN,
					       CMACAM_ISP_BRIGHTNESS_MAX, 1, 0);
	sensor->contrast = v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops,
					     V4L2_CID_CONTRAST, 0,
					     CMACAM_ISP_FACTOR_MAX, 1,
					     CMACAM_ISP_UNITY);
	sensor->saturation = v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops,
					       V4L2_CID_SATURATION, 0,
					       CMACAM_ISP_FACTOR_MAX, 1,
					       CMACAM_ISP_UNITY);
}

/**
 * cmacam_sensor_init_controls() - make the controls
 * @sensor: the sensor, whose geometry is known and whose board was reset
 *
 * Return: 0 or a negative error code
 */
int cmacam_sensor_init_controls(struct cmacam_sensor *sensor)
{
	const struct v4l2_fwnode_device_properties props = {
		.orientation = V4L2_FWNODE_ORIENTATION_EXTERNAL,
		.rotation = 0,
	};
	struct v4l2_ctrl_handler *hdl = &sensor->handler;
	u32 vblank = sensor_read(sensor, CMACAM_SENSOR_VBLANK);
	u32 hblank = sensor->line_length - sensor->array.width;
	struct v4l2_ctrl *ctrl;

	v4l2_ctrl_handler_init(hdl, 16);

	v4l2_ctrl_new_std(hdl, NULL, V4L2_CID_PIXEL_RATE, sensor->pixel_rate,
			  sensor->pixel_rate, 1, sensor->pixel_rate);
	ctrl = v4l2_ctrl_new_std(hdl, NULL, V4L2_CID_HBLANK, hblank, hblank, 1,
				 hblank);
	if (ctrl)
		ctrl->flags |= V4L2_CTRL_FLAG_READ_ONLY;

	/* The reset values of the board are the defaults. */
	sensor->vblank =
		v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops, V4L2_CID_VBLANK,
				  sensor_read(sensor, CMACAM_SENSOR_VBLANK_MIN),
				  sensor_read(sensor, CMACAM_SENSOR_VBLANK_MAX),
				  1, vblank);
	sensor->default_exposure = sensor_read(sensor, CMACAM_SENSOR_EXPOSURE);
	sensor->exposure =
		v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops, V4L2_CID_EXPOSURE,
				  sensor_read(sensor,
					      CMACAM_SENSOR_EXPOSURE_MIN),
				  sensor_max_exposure(sensor, vblank), 1,
				  sensor->default_exposure);
	sensor->gain =
		v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops,
				  V4L2_CID_ANALOGUE_GAIN,
				  sensor_read(sensor, CMACAM_SENSOR_GAIN_MIN),
				  sensor_read(sensor, CMACAM_SENSOR_GAIN_MAX),
				  1, sensor_read(sensor, CMACAM_SENSOR_GAIN));
	sensor->pattern =
		v4l2_ctrl_new_std_menu_items(hdl, &sensor_ctrl_ops,
					     V4L2_CID_TEST_PATTERN,
					     CMACAM_PATTERN_COUNT - 1, 0, 0,
					     sensor_patterns);
	sensor_init_processing(sensor);
	v4l2_ctrl_new_fwnode_properties(hdl, NULL, &props);

	if (hdl->error)
		return hdl->error;

	/* The controls from there to the end of their anonymous structure. */
	v4l2_ctrl_cluster(SENSOR_CLUSTER, &sensor->exposure);
	sensor->sd.ctrl_handler = hdl;

	return 0;
}
