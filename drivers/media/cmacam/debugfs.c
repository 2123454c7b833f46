// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics in debugfs: v4l2/cmacam-<bus address>/statistics.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "cmacam.h"

static int statistics_show(struct seq_file *file, void *unused)
{
	struct cmacam_device *cam = file->private;
	const struct cmacam_video *video = &cam->video;

	guard(spinlock_irqsave)(&cam->engine.lock);

	seq_printf(file, "frames %u\n", video->frames);
	seq_printf(file, "errors %u\n", video->errors);
	seq_printf(file, "lost %u\n", video->lost);

	return 0;
}

DEFINE_SHOW_ATTRIBUTE(statistics);

/**
 * cmacam_debugfs_create() - make the folder
 * @cam: the board; removes &cmacam_device.debugfs before it goes away
 */
void cmacam_debugfs_create(struct cmacam_device *cam)
{
	char name[32];

	snprintf(name, sizeof(name), "cmacam-%s", dev_name(cam->dev));
	cam->debugfs = debugfs_create_dir(name, v4l2_debugfs_root());
	debugfs_create_file("statistics", 0444, cam->debugfs, cam,
			    &statistics_fops);
}
