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

static u32 sensor_vblank(struct cmacam_sensor *sensor,
			 const struct v4l2_fract *interval)
{
	u64 lines;

	if (!interval->numerator || !interval->denominator)
		return sensor->vblank->default_value;

	lines = mul_u64_u64_div_u64(interval->numerator, sensor->pixel_rate,
				    (u64)interval->denominator *
				    sensor->line_length);

	return clamp_t(s64, lines - sensor->array.height,
		       sensor->vblank->minimum, sensor->vblank->maximum);
}

/**
 * cmacam_sensor_get_interval() - interval in force
 * @sensor: the sensor
 * @interval: where to put it
 */
void cmacam_sensor_get_interval(struct cmacam_sensor *sensor,
				struct v4l2_fract *interval)
{
	sensor_interval(sensor, v4l2_ctrl_g_ctrl(sensor->vblank), interval);
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
	ret = v4l2_ctrl_s_ctrl(sensor->vblank, vblank);
	if (!ret)
		sensor_interval(sensor, vblank, interval);

	return ret;
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
