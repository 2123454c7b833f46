/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the sensor share: access to its registers, and the parts
 * of which the subdev is made.
 */
#ifndef CMACAM_SENSOR_H
#define CMACAM_SENSOR_H

#include "cmacam.h"

static inline struct cmacam_sensor *sd_to_sensor(struct v4l2_subdev *sd)
{
	return container_of(sd, struct cmacam_sensor, sd);
}

static inline struct cmacam_device *sensor_to_cam(struct cmacam_sensor *sensor)
{
	return container_of(sensor, struct cmacam_device, sensor);
}

static inline u32 sensor_read(struct cmacam_sensor *sensor, u32 reg)
{
	return readl(sensor->regs + reg);
}

static inline void sensor_write(struct cmacam_sensor *sensor, u32 reg,
				u32 value)
{
	writel(value, sensor->regs + reg);
}

/* sensor-controls.c */
int cmacam_sensor_init_controls(struct cmacam_sensor *sensor);
bool cmacam_sensor_get_awake(struct cmacam_sensor *sensor);
void cmacam_sensor_put_awake(struct cmacam_sensor *sensor);

/* sensor-pads.c */
extern const struct v4l2_subdev_ops cmacam_sensor_ops;
extern const struct v4l2_subdev_internal_ops cmacam_sensor_internal_ops;

#endif
