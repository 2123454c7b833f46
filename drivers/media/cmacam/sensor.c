// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sensor: a subdev that stands for the board's sensor registers.
 */
#include <linux/idr.h>

#include "sensor.h"

static DEFINE_IDA(cmacam_sensor_ida);

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
	v4l2_subdev_init(sd, &cmacam_sensor_ops);
	mutex_init(&sensor->users_lock);

	ret = sensor_read_geometry(sensor);
	if (ret)
		return ret;

	ret = sensor_create_pdev(sensor);
	if (ret)
		return ret;

	sd->internal_ops = &cmacam_sensor_internal_ops;
	sd->owner = THIS_MODULE;
	sd->dev = &sensor->pdev->dev;
	sd->flags = V4L2_SUBDEV_FL_HAS_DEVNODE | V4L2_SUBDEV_FL_HAS_EVENTS;
	sd->entity.function = MEDIA_ENT_F_CAM_SENSOR;
	sd->entity.ops = &sensor_entity_ops;
	strscpy(sd->name, "cmacam-sensor", sizeof(sd->name));

	ret = cmacam_sensor_init_controls(sensor);
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
