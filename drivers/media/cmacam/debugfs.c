// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics in debugfs: v4l2/cmacam-<bus address>/statistics, a line for each
 * node, since its streaming began.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "cmacam.h"

static int statistics_show(struct seq_file *file, void *unused)
{
	struct cmacam_device *cam = file->private;
	unsigned int i;

	guard(spinlock_irqsave)(&cam->engine.lock);

	for (i = 0; i < cam->engine.num_channels; i++) {
		const struct cmacam_video *video = &cam->video[i];

		seq_printf(file, "%s frames %u errors %u lost %u\n",
			   video->vdev.name, video->frames, video->errors,
			   video->lost);
	}

	guard(spinlock)(&cam->meta.slock);
	seq_printf(file, "%s lost %u\n", cam->meta.vdev.name, cam->meta.lost);

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
