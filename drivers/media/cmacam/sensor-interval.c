// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frame intervals of the sensor: another view of the vertical blanking.
 *
 * A raw sensor's interval is set by the blanking controls, so the subdev has
 * no frame interval operations. The capture node offers these to those who
 * know only it.
 */
#include <linux/dev_printk.h>
#include <linux/gcd.h>
#include <linux/math64.h>

#include "cmacam.h"

static void sensor_interval(struct cmacam_sensor *sensor, u32 vblank,
			    struct v4l2_fract *interval)
{
	u64 num = (u64)sensor->line_length * (sensor->array.height + vblank);
	u32 div = gcd(num, sensor->pixel_rate);
	u32 den = sensor->pixel_rate / div;

	num = div_u64(num, div);
	while (num > U32_MAX) {
		num >>= 1;
		den >>= 1;
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

	dev_dbg(sensor->sd.dev, "%u/%u s asked for: blanking of %u lines\n",
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
