// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sensor: a subdev that stands for the board's sensor registers.
 *
 * They lie in the board's register block, but not behind struct
 * cmacam_engine_ops: like a sensor on an I2C bus, this one stays the same
 * whichever engine carries its frames away.
 */
#include <linux/dev_printk.h>
#include <linux/gcd.h>
#include <linux/idr.h>
#include <linux/math64.h>
#include <linux/pm_runtime.h>

#include <media/v4l2-fwnode.h>

#include "../compat.h"
#include "cmacam.h"

/**
 * struct sensor_control - a control that is a register, as it stands
 * @id: V4L2_CID_*
 * @reg: the register
 * @min: least value
 * @max: greatest value; the step is 1
 * @value: default
 * @minor: first minor version of the registers that has it
 */
struct sensor_control {
	u32 id;
	u32 reg;
	s32 min;
	s32 max;
	s32 value;
	u32 minor;
};

/*
 * Ranges and defaults are part of the contract with the board. Each row becomes
 * a control, which is written together with the rest of the exposure's cluster.
 */
static const struct sensor_control sensor_controls[] = {
	{ V4L2_CID_RED_BALANCE, CMACAM_ISP_RED_GAIN,
	  CMACAM_ISP_COLOUR_GAIN_MIN, CMACAM_ISP_COLOUR_GAIN_MAX,
	  CMACAM_ISP_UNITY },
	{ V4L2_CID_BLUE_BALANCE, CMACAM_ISP_BLUE_GAIN,
	  CMACAM_ISP_COLOUR_GAIN_MIN, CMACAM_ISP_COLOUR_GAIN_MAX,
	  CMACAM_ISP_UNITY },
	{ V4L2_CID_BRIGHTNESS, CMACAM_ISP_BRIGHTNESS,
	  CMACAM_ISP_BRIGHTNESS_MIN, CMACAM_ISP_BRIGHTNESS_MAX, 0 },
	{ V4L2_CID_CONTRAST, CMACAM_ISP_CONTRAST,
	  0, CMACAM_ISP_FACTOR_MAX, CMACAM_ISP_UNITY },
	{ V4L2_CID_SATURATION, CMACAM_ISP_SATURATION,
	  0, CMACAM_ISP_FACTOR_MAX, CMACAM_ISP_UNITY },
	{ V4L2_CID_SHARPNESS, CMACAM_ISP_SHARPNESS,
	  0, CMACAM_ISP_FACTOR_MAX, 0, .minor = 2 },
};

static_assert(ARRAY_SIZE(sensor_controls) <= CMACAM_SIMPLE_CTRLS);

/* Those named in struct cmacam_sensor, and the simple ones that follow them. */
#define SENSOR_CLUSTER		(5 + ARRAY_SIZE(sensor_controls))

static const char * const sensor_patterns[] = {
	[CMACAM_PATTERN_OFF] = "Disabled",
	[CMACAM_PATTERN_BARS] = "75% Colour Bars",
	[CMACAM_PATTERN_RAMP] = "Grey Ramp",
	[CMACAM_PATTERN_SOLID] = "Mid Grey",
};

static DEFINE_IDA(cmacam_sensor_ida);

static struct cmacam_sensor *sd_to_sensor(struct v4l2_subdev *sd)
{
	return container_of(sd, struct cmacam_sensor, sd);
}

static struct cmacam_device *sensor_to_cam(struct cmacam_sensor *sensor)
{
	return container_of(sensor, struct cmacam_device, sensor);
}

/* -----------------------------------------------------------------------------
 * Registers
 */

static u32 sensor_read(struct cmacam_sensor *sensor, u32 reg)
{
	return readl(sensor->regs + reg);
}

static void sensor_write(struct cmacam_sensor *sensor, u32 reg, u32 value)
{
	writel(value, sensor->regs + reg);
}

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

/*
 * Whether registers may be written now. The handler's lock is held; gone is set
 * under the same lock, before the registers are unmapped. Values set while the
 * board sleeps reach it when streaming starts. All that is written until
 * sensor_put_awake() takes effect on one frame.
 */
static bool sensor_get_awake(struct cmacam_sensor *sensor)
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

static void sensor_put_awake(struct cmacam_sensor *sensor)
{
	sensor_release(sensor);
	pm_runtime_put_autosuspend(sensor_to_cam(sensor)->dev);
}

/* -----------------------------------------------------------------------------
 * Controls
 */

/* A board of an older version does not have each of the controls. */
static void sensor_write_ctrl(struct cmacam_sensor *sensor, u32 reg,
			      const struct v4l2_ctrl *ctrl)
{
	if (ctrl && ctrl->is_new)
		sensor_write(sensor, reg, ctrl->val);
}

/* Where a control of the cluster is not new, its value is the current one. */
static void sensor_write_cluster(struct cmacam_sensor *sensor)
{
	u32 flip = (sensor->hflip->val ? CMACAM_FLIP_HORIZONTAL : 0) |
		   (sensor->vflip->val ? CMACAM_FLIP_VERTICAL : 0);
	unsigned int i;

	sensor_write_ctrl(sensor, CMACAM_SENSOR_EXPOSURE, sensor->exposure);
	sensor_write_ctrl(sensor, CMACAM_SENSOR_GAIN, sensor->gain);
	sensor_write_ctrl(sensor, CMACAM_SENSOR_PATTERN, sensor->pattern);
	if (sensor->hflip->is_new || sensor->vflip->is_new)
		sensor_write(sensor, CMACAM_SENSOR_FLIP, flip);
	for (i = 0; i < ARRAY_SIZE(sensor_controls); i++)
		sensor_write_ctrl(sensor, sensor_controls[i].reg,
				  sensor->simple[i]);
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

/*
 * The blanking is no part of the cluster: a new range of the exposure must be
 * in force before the exposure's new value is checked against it. What it does
 * to the exposure lands in the same frame.
 */
static int sensor_s_ctrl(struct v4l2_ctrl *ctrl)
{
	struct cmacam_sensor *sensor =
		container_of(ctrl->handler, struct cmacam_sensor, handler);
	bool awake = sensor_get_awake(sensor);
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
		sensor_put_awake(sensor);

	return ret;
}

static const struct v4l2_ctrl_ops sensor_ctrl_ops = {
	.s_ctrl = sensor_s_ctrl,
};

static void sensor_init_simple(struct cmacam_sensor *sensor)
{
	u32 minor = sensor_to_cam(sensor)->engine.version & 0xffff;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sensor_controls); i++) {
		const struct sensor_control *row = &sensor_controls[i];

		if (row->minor > minor)
			continue;
		sensor->simple[i] = v4l2_ctrl_new_std(&sensor->handler,
						      &sensor_ctrl_ops, row->id,
						      row->min, row->max, 1,
						      row->value);
	}
}

/* The geometry is known, and the board was reset. */
static int sensor_init_controls(struct cmacam_sensor *sensor)
{
	const struct v4l2_fwnode_device_properties props = {
		.orientation = V4L2_FWNODE_ORIENTATION_EXTERNAL,
		.rotation = 0,
	};
	struct v4l2_ctrl_handler *hdl = &sensor->handler;
	u32 vblank = sensor_read(sensor, CMACAM_SENSOR_VBLANK);
	u32 hblank = sensor->line_length - sensor->array.width;
	struct v4l2_ctrl *ctrl;

	v4l2_ctrl_handler_init(hdl, 10 + ARRAY_SIZE(sensor_controls));

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
	sensor->hflip = v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops,
					  V4L2_CID_HFLIP, 0, 1, 1, 0);
	sensor->vflip = v4l2_ctrl_new_std(hdl, &sensor_ctrl_ops,
					  V4L2_CID_VFLIP, 0, 1, 1, 0);
	sensor_init_simple(sensor);
	v4l2_ctrl_new_fwnode_properties(hdl, NULL, &props);

	if (hdl->error)
		return hdl->error;

	/* The exposure and the controls that follow it in their structure. */
	v4l2_ctrl_cluster(SENSOR_CLUSTER, &sensor->exposure);
	sensor->sd.ctrl_handler = hdl;

	return 0;
}

/* -----------------------------------------------------------------------------
 * Frame intervals: another view of the vertical blanking
 *
 * A raw sensor's interval is set by the blanking controls, so the subdev has
 * no frame interval operations. The capture node offers these to those who
 * know only it.
 */

static void sensor_interval(struct cmacam_sensor *sensor, u32 vblank,
			    struct v4l2_fract *interval)
{
	u64 num = (u64)sensor->line_length * (sensor->array.height + vblank);
	u32 den = sensor->pixel_rate;
	u32 rest, div;

	/*
	 * The first step of Euclid's algorithm, because gcd() takes arguments
	 * of 32 bits where a long has 32 bits.
	 */
	div_u64_rem(num, den, &rest);
	div = gcd(den, rest);
	num = div_u64(num, div);
	den /= div;

	/*
	 * The denominator must not become 0, so an interval of more than 68
	 * years comes out too short.
	 */
	while (num > U32_MAX) {
		num >>= 1;
		den = max(den >> 1, 1U);
	}

	interval->numerator = num;
	interval->denominator = den;
}

/* The nearest that the sensor can do. */
static u32 sensor_vblank(struct cmacam_sensor *sensor,
			 const struct v4l2_fract *interval)
{
	u64 line, lines;

	if (!interval->numerator || !interval->denominator)
		return sensor->vblank->default_value;

	line = (u64)interval->denominator * sensor->line_length;
	lines = mul_u64_u64_div_u64(2ULL * interval->numerator,
				    sensor->pixel_rate, line);
	lines = (lines + 1) / 2;

	return clamp_t(s64, lines - sensor->array.height,
		       sensor->vblank->minimum, sensor->vblank->maximum);
}

/*
 * Whether two intervals differ by no more than 0.02 %. 1/30 and 1001/30000 s
 * differ by five times as much; a sensor of 2160 lines, which sets its interval
 * in whole lines, cannot meet the latter to better than half of it.
 */
static bool sensor_intervals_agree(const struct v4l2_fract *a,
				   const struct v4l2_fract *b)
{
	u64 left = mul_u32_u32(a->numerator, b->denominator);
	u64 right = mul_u32_u32(b->numerator, a->denominator);

	return abs_diff(left, right) <= div_u64(right, 5000);
}

/**
 * cmacam_sensor_get_interval() - interval in force
 * @sensor: the sensor
 * @interval: where to put it
 */
void cmacam_sensor_get_interval(struct cmacam_sensor *sensor,
				struct v4l2_fract *interval)
{
	v4l2_ctrl_lock(sensor->vblank);
	sensor_interval(sensor, sensor->vblank->cur.val, interval);
	/* 1/30, and not 4500/135000 of a second less a line. */
	if (sensor->asked.denominator &&
	    sensor_intervals_agree(interval, &sensor->asked))
		*interval = sensor->asked;
	v4l2_ctrl_unlock(sensor->vblank);
}

/**
 * cmacam_sensor_set_interval() - set the interval, by way of the blanking
 * @sensor: the sensor
 * @interval: in: wanted, 0 for the default; out: what it is now
 *
 * Return: 0 or a negative error code
 */
int cmacam_sensor_set_interval(struct cmacam_sensor *sensor,
			       struct v4l2_fract *interval)
{
	u32 vblank = sensor_vblank(sensor, interval);
	int ret;

	dev_dbg(sensor->sd.dev, "interval of %u/%u s requested: blanking of %u lines\n",
		interval->numerator, interval->denominator, vblank);
	v4l2_ctrl_lock(sensor->vblank);
	ret = __v4l2_ctrl_s_ctrl(sensor->vblank, vblank);
	if (!ret)
		sensor->asked = *interval;
	v4l2_ctrl_unlock(sensor->vblank);
	if (!ret)
		cmacam_sensor_get_interval(sensor, interval);

	return ret;
}

/**
 * cmacam_sensor_meets_interval() - whether an interval can be set
 * @sensor: the sensor
 * @interval: the interval
 *
 * Return: true if what the sensor makes of it is within 0.02 %
 */
bool cmacam_sensor_meets_interval(struct cmacam_sensor *sensor,
				  const struct v4l2_fract *interval)
{
	struct v4l2_fract met;

	sensor_interval(sensor, sensor_vblank(sensor, interval), &met);

	return sensor_intervals_agree(&met, interval);
}

/**
 * cmacam_sensor_interval_range() - fastest and slowest
 * @sensor: the sensor
 * @min: shortest interval
 * @max: longest interval
 */
void cmacam_sensor_interval_range(struct cmacam_sensor *sensor,
				  struct v4l2_fract *min,
				  struct v4l2_fract *max)
{
	sensor_interval(sensor, sensor->vblank->minimum, min);
	sensor_interval(sensor, sensor->vblank->maximum, max);
}

/* -----------------------------------------------------------------------------
 * Pad: the one format, and the part of the array that is shown
 */

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

/* There is one format: an attempt to set another one returns it. */
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
	    sensor_get_awake(sensor)) {
		sensor_write_crop(sensor, r);
		sensor_put_awake(sensor);
	}

	return 0;
}

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

static const struct v4l2_subdev_internal_ops sensor_internal_ops = {
	.init_state = sensor_init_state,
};

/* -----------------------------------------------------------------------------
 * Streaming
 */

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
 * @sensor: the sensor, of which no channel takes frames now
 *
 * Return: 0 or a negative error code
 */
int cmacam_sensor_restore(struct cmacam_sensor *sensor)
{
	struct v4l2_subdev_state *state;
	int ret;

	guard(mutex)(&sensor->users_lock);

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

static const struct v4l2_subdev_ops sensor_ops = {
	.core = &sensor_core_ops,
	.pad = &sensor_pad_ops,
};

/* -----------------------------------------------------------------------------
 * Lifetime
 */

static const struct media_entity_operations sensor_entity_ops = {
	.link_validate = v4l2_subdev_link_validate,
};

/*
 * libcamera names a camera after the firmware node of the sensor's device,
 * or after its place among the platform devices. The board need not have a
 * firmware node, and its own place on the bus changes with the slot, so the
 * sensor gets a platform device of its own, numbered from 0. It is the
 * board's by ownership: made and removed with it, and never bound.
 */
static int sensor_create_pdev(struct cmacam_sensor *sensor)
{
	sensor->id = ida_alloc(&cmacam_sensor_ida, GFP_KERNEL);
	if (sensor->id < 0)
		return sensor->id;

	sensor->pdev = platform_device_register_simple("cmacam-sensor",
						       sensor->id, NULL, 0);
	if (IS_ERR(sensor->pdev)) {
		ida_free(&cmacam_sensor_ida, sensor->id);
		return PTR_ERR(sensor->pdev);
	}

	/* The subdev refers to it for as long as it has open files. */
	get_device(&sensor->pdev->dev);

	return 0;
}

static void sensor_remove_pdev(struct cmacam_sensor *sensor)
{
	platform_device_unregister(sensor->pdev);
	ida_free(&cmacam_sensor_ida, sensor->id);
}

static int sensor_read_geometry(struct cmacam_sensor *sensor)
{
	struct cmacam_engine *engine = &sensor_to_cam(sensor)->engine;
	u32 array = sensor_read(sensor, CMACAM_SENSOR_ARRAY);
	bool usable = true;
	unsigned int i;

	sensor->array.width = array & 0xffff;
	sensor->array.height = array >> 16;
	sensor->pixel_rate = sensor_read(sensor, CMACAM_SENSOR_PIXEL_RATE);
	sensor->line_length = sensor->array.width +
			      sensor_read(sensor, CMACAM_SENSOR_HBLANK);
	sensor->exposure_margin =
		sensor_read(sensor, CMACAM_SENSOR_EXPOSURE_MARGIN);

	for (i = 0; i < engine->num_channels; i++)
		usable &= cmacam_formats_usable(&engine->channels[i],
						&sensor->array);

	/* Frame intervals divide by the first and by the sum of the second. */
	if (!sensor->pixel_rate || sensor->line_length < sensor->array.width ||
	    !usable)
		return dev_err_probe(engine->dev, -ENODEV,
				     "unusable sensor: array %ux%u, line %u, pixel rate %u\n",
				     sensor->array.width, sensor->array.height,
				     sensor->line_length, sensor->pixel_rate);

	return 0;
}

/**
 * cmacam_sensor_register() - make the sensor subdev
 * @cam: the board, which was reset
 *
 * Return: 0 or a negative error code, after which nothing is left of it
 */
int cmacam_sensor_register(struct cmacam_device *cam)
{
	struct cmacam_sensor *sensor = &cam->sensor;
	struct v4l2_subdev *sd = &sensor->sd;
	int ret;

	/* Even a failure ends in cmacam_sensor_free(). */
	v4l2_subdev_init(sd, &sensor_ops);
	mutex_init(&sensor->users_lock);

	ret = sensor_read_geometry(sensor);
	if (ret)
		return ret;

	ret = sensor_create_pdev(sensor);
	if (ret)
		return ret;

	sd->internal_ops = &sensor_internal_ops;
	sd->owner = THIS_MODULE;
	sd->dev = &sensor->pdev->dev;
	sd->flags = V4L2_SUBDEV_FL_HAS_DEVNODE | V4L2_SUBDEV_FL_HAS_EVENTS;
	sd->entity.function = MEDIA_ENT_F_CAM_SENSOR;
	sd->entity.ops = &sensor_entity_ops;
	strscpy(sd->name, "cmacam-sensor", sizeof(sd->name));

	ret = sensor_init_controls(sensor);
	if (ret)
		goto err_free;

	sensor->pad.flags = MEDIA_PAD_FL_SOURCE;
	ret = media_entity_pads_init(&sd->entity, 1, &sensor->pad);
	if (ret)
		goto err_free;

	sd->state_lock = sensor->handler.lock;
	ret = v4l2_subdev_init_finalize(sd);
	if (ret)
		goto err_free;

	ret = v4l2_device_register_subdev(&cam->v4l2_dev, sd);
	if (ret)
		goto err_free;

	return 0;

err_free:
	sensor_remove_pdev(sensor);
	return ret;
}

/**
 * cmacam_sensor_unregister() - the hardware goes away
 * @sensor: the sensor
 */
void cmacam_sensor_unregister(struct cmacam_sensor *sensor)
{
	/* Waits for a control that is being written. */
	v4l2_ctrl_lock(sensor->vblank);
	sensor->gone = true;
	v4l2_ctrl_unlock(sensor->vblank);

	v4l2_device_unregister_subdev(&sensor->sd);
	sensor_remove_pdev(sensor);
}

/**
 * cmacam_sensor_free() - the last file is closed
 * @sensor: the sensor
 */
void cmacam_sensor_free(struct cmacam_sensor *sensor)
{
	v4l2_subdev_cleanup(&sensor->sd);
	media_entity_cleanup(&sensor->sd.entity);
	v4l2_ctrl_handler_free(&sensor->handler);
	mutex_destroy(&sensor->users_lock);
	if (!IS_ERR_OR_NULL(sensor->pdev))
		put_device(&sensor->pdev->dev);
}
