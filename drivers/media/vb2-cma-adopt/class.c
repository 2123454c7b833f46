// SPDX-License-Identifier: GPL-2.0-only
/*
 * The class of all video nodes, which V4L2 keeps to itself.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/module.h>

#include <media/v4l2-dev.h>
#include <media/v4l2-device.h>

#include "adopt.h"

static int refuse_open(struct file *file)
{
	return -ENXIO;
}

static int release_nothing(struct file *file)
{
	return 0;
}

static const struct v4l2_file_operations fops = {
	.owner = THIS_MODULE,
	.open = refuse_open,
	.release = release_nothing,
};

static struct v4l2_device parent = {
	.name = "vb2-cma-adopt",
};

/**
 * adopt_find_class() - find the class of all video nodes
 *
 * Every node knows its class. A node of another driver may not exist yet, so
 * this function registers a node and removes it at once. It is a software
 * radio, which no program for cameras looks for, cannot be opened, and sends no
 * uevents, so that udev does not see it.
 *
 * Return: the class, or an error pointer
 */
const struct class *adopt_find_class(void)
{
	struct video_device *vdev;
	const struct class *class;
	int ret;

	ret = v4l2_device_register(NULL, &parent);
	if (ret)
		return ERR_PTR(ret);

	vdev = video_device_alloc();
	if (!vdev) {
		ret = -ENOMEM;
		goto err_parent;
	}
	vdev->fops = &fops;
	vdev->release = video_device_release;
	vdev->v4l2_dev = &parent;
	vdev->device_caps = V4L2_CAP_SDR_CAPTURE;
	dev_set_uevent_suppress(&vdev->dev, true);
	ret = video_register_device(vdev, VFL_TYPE_SDR, -1);
	if (ret) {
		video_device_release(vdev);
		goto err_parent;
	}

	class = vdev->dev.class;
	video_unregister_device(vdev);
	v4l2_device_unregister(&parent);

	return class;

err_parent:
	v4l2_device_unregister(&parent);
	return ERR_PTR(ret);
}
