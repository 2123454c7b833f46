// SPDX-License-Identifier: GPL-2.0-only
/*
 * The board as a media device: how its parts come together and go apart.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "../compat.h"
#include "cmacam.h"
#include "vb2-cma.h"

/*
 * Runs when the last reference to the v4l2_device is gone: the driver's own
 * and one per registered or still open node. No register is touched from
 * here, and nothing else can refer to the structure.
 */
static void cmacam_release(struct v4l2_device *v4l2_dev)
{
	struct cmacam_device *cam =
		container_of(v4l2_dev, struct cmacam_device, v4l2_dev);
	unsigned int i;

	cmacam_sensor_free(&cam->sensor);
	for (i = 0; i < cam->engine.num_channels; i++)
		cmacam_video_free(&cam->video[i]);
	media_entity_cleanup(&cam->meta.vdev.entity);
	mutex_destroy(&cam->meta.lock);
	mutex_destroy(&cam->graph_lock);
	media_device_cleanup(&cam->mdev);
	v4l2_device_unregister(&cam->v4l2_dev);
	kfree(cam);
}

static void init_media_device(struct cmacam_device *cam)
{
	struct media_device *mdev = &cam->mdev;

	mdev->dev = cam->dev;
	mdev->hw_revision = cam->engine.version;
	strscpy(mdev->driver_name, CMACAM_NAME, sizeof(mdev->driver_name));
	strscpy(mdev->model, "cmacam board", sizeof(mdev->model));
	media_device_init(mdev);
	cam->v4l2_dev.mdev = mdev;
}

/* The main channel and its metadata come first: they are video0 and video1. */
static int register_video_nodes(struct cmacam_device *cam)
{
	unsigned int i;
	int ret;

	ret = cmacam_video_register(cam, CMACAM_CH_MAIN);
	if (ret)
		return ret;

	ret = cmacam_meta_register(cam);

	for (i = CMACAM_CH_LORES; !ret && i < cam->engine.num_channels; i++)
		ret = cmacam_video_register(cam, i);

	return ret;
}

/* Ends streaming, for which the sensor must still be there. */
static void unregister_nodes(struct cmacam_device *cam)
{
	unsigned int i;

	for (i = 0; i < cam->engine.num_channels; i++)
		vb2_video_unregister_device(&cam->video[i].vdev);
	cmacam_feed_end(cam);
	cmacam_meta_unregister(&cam->meta);
	cmacam_sensor_unregister(&cam->sensor);
}

/*
 * A program can open each node as soon as the node is registered, when links of
 * the graph are still missing. A pipeline that starts then has no link, or
 * lacks the pads of the nodes that follow, and the list of the sensor's links
 * changes while the pipeline walks along it. So the lock keeps all users in
 * cmacam_await_graph() until the graph is complete.
 */
static int register_graph(struct cmacam_device *cam)
{
	int ret;

	guard(mutex)(&cam->graph_lock);

	ret = register_video_nodes(cam);
	if (ret)
		return ret;

	ret = v4l2_device_register_subdev_nodes(&cam->v4l2_dev);
	if (ret)
		return ret;

	/* Last: it announces the graph, which must be complete by then. */
	ret = media_device_register(&cam->mdev);
	if (ret)
		return ret;

	cam->graph_complete = true;

	return 0;
}

/**
 * cmacam_await_graph() - wait until all nodes are registered and linked
 * @cam: the board
 *
 * Called before a node gets its first buffer, with the lock of the node held.
 *
 * Return: 0, or -ENODEV if the driver failed to register the nodes
 */
int cmacam_await_graph(struct cmacam_device *cam)
{
	guard(mutex)(&cam->graph_lock);

	return cam->graph_complete ? 0 : -ENODEV;
}

static int register_nodes(struct cmacam_device *cam)
{
	int ret;

	ret = cmacam_sensor_register(cam);
	if (ret)
		return ret;

	/*
	 * Unregistering waits for the locks of the nodes. Their owners may wait
	 * for the graph, so its lock must be free by then.
	 */
	ret = register_graph(cam);
	if (ret)
		unregister_nodes(cam);

	return ret;
}

/* A line for each node, since its streaming began. */
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

/* v4l2/cmacam-<bus address>/statistics */
static void create_debugfs(struct cmacam_device *cam)
{
	char name[32];

	snprintf(name, sizeof(name), "cmacam-%s", dev_name(cam->dev));
	cam->debugfs = debugfs_create_dir(name, v4l2_debugfs_root());
	debugfs_create_file("statistics", 0444, cam->debugfs, cam,
			    &statistics_fops);
}

/*
 * Users find the board unplugged: new opens fail, ioctls on open files too,
 * streaming ends, buffers are returned. The graph goes after the end of
 * streaming, which needs it.
 *
 * The last reference to a node, which is often that of an open file, takes the
 * entity of the node out of the graph: media_device_unregister_entity() looks
 * whether the entity is in a graph, and then waits for the lock of the graph.
 * If media_device_unregister() has the lock at that moment, the entity is in no
 * graph any more when the lock is free, and the kernel crashes. So the nodes
 * are referenced here until the graph has gone.
 */
static void withdraw(struct cmacam_device *cam)
{
	struct video_device *nodes[CMACAM_CH_COUNT + 2];
	unsigned int num_nodes = 0;
	unsigned int i;

	if (cam->retired)
		return;

	for (i = 0; i < cam->engine.num_channels; i++)
		nodes[num_nodes++] = &cam->video[i].vdev;
	nodes[num_nodes++] = &cam->meta.vdev;
	nodes[num_nodes++] = cam->sensor.sd.devnode;
	for (i = 0; i < num_nodes; i++)
		get_device(&nodes[i]->dev);

	debugfs_remove_recursive(cam->debugfs);
	unregister_nodes(cam);
	media_device_unregister(&cam->mdev);
	cam->retired = true;

	for (i = 0; i < num_nodes; i++)
		put_device(&nodes[i]->dev);
}

static void retire(struct work_struct *work)
{
	struct cmacam_device *cam =
		container_of(work, struct cmacam_device, retire);

	/* Asked for once more before the last channel was stopped. */
	if (cam->retired)
		return;

	dev_err(cam->dev,
		"the board does not answer, its registers read as all ones: the board was unplugged, lost its power or crashed; the driver removes its nodes\n");
	withdraw(cam);
}

/*
 * The board has vanished, and no bus has reported that. Most programs know how
 * to live with a camera that is unplugged, few with one that fails for ever.
 * The driver stays bound until the bus takes the board away.
 */
static void board_gone(struct cmacam_engine *engine)
{
	struct cmacam_device *cam =
		container_of(engine, struct cmacam_device, engine);

	/* Not while the system is suspended: that uses the nodes. */
	queue_work(system_freezable_wq, &cam->retire);
}

/* The board has the sensor's reset values now, not those of the controls. */
static void board_was_reset(struct cmacam_engine *engine)
{
	struct cmacam_device *cam =
		container_of(engine, struct cmacam_device, engine);
	int ret = cmacam_sensor_restore(&cam->sensor);

	if (ret)
		dev_err(cam->dev,
			"the settings of the sensor were lost in a reset of the board: error %d\n",
			ret);
}

static int init_engine(struct cmacam_engine *engine)
{
	unsigned int i;
	int ret;

	engine->client = &cmacam_video_client;
	engine->gone = board_gone;
	engine->was_reset = board_was_reset;
	spin_lock_init(&engine->lock);
	for (i = 0; i < ARRAY_SIZE(engine->channels); i++) {
		engine->channels[i].engine = engine;
		engine->channels[i].index = i;
	}

	ret = engine->ops->init(engine);
	if (ret)
		return ret;

	dev_dbg(engine->dev, "register version %u.%u, allocator %s\n",
		engine->version >> 16, engine->version & 0xffff,
		cmacam_allocator()->name);

	return 0;
}

/**
 * cmacam_create() - make a media device of a board
 * @dev: the bus device, powered
 * @ops: the kind of its engine
 * @regs: its registers
 * @irq: its interrupt
 * @isolate: as in &struct cmacam_engine
 *
 * Return: the board or an error pointer
 */
struct cmacam_device *cmacam_create(struct device *dev,
				    const struct cmacam_engine_ops *ops,
				    void __iomem *regs, int irq,
				    void (*isolate)(struct device *dev,
						    bool isolated))
{
	struct cmacam_device *cam;
	unsigned int i;
	int ret;

	ret = cmacam_allocator_check_parameter(dev);
	if (ret)
		return ERR_PTR(ret);
	ret = cmacam_formats_check_parameter(dev);
	if (ret)
		return ERR_PTR(ret);

	cam = kzalloc_obj(*cam);
	if (!cam)
		return ERR_PTR(-ENOMEM);

	cam->dev = dev;
	cam->engine.ops = ops;
	cam->engine.dev = dev;
	cam->engine.regs = regs;
	cam->engine.irq = irq;
	cam->engine.isolate = isolate;
	cam->sensor.regs = regs;
	/* Not before there is all that it takes away. */
	INIT_WORK(&cam->retire, retire);
	disable_work(&cam->retire);
	ret = init_engine(&cam->engine);
	if (ret)
		goto err_free;

	for (i = 0; i < cam->engine.num_channels; i++)
		cmacam_video_init(cam, i);
	mutex_init(&cam->graph_lock);
	cmacam_meta_init(&cam->meta);

	init_media_device(cam);
	ret = v4l2_device_register(dev, &cam->v4l2_dev);
	if (ret)
		goto err_media;
	cam->v4l2_dev.release = cmacam_release;

	ret = register_nodes(cam);
	if (ret)
		goto err_put;

	create_debugfs(cam);
	enable_work(&cam->retire);

	return cam;

err_put:
	cam->engine.ops->cleanup(&cam->engine);
	vb2_cma_forget_device(dev);
	v4l2_device_put(&cam->v4l2_dev);
	return ERR_PTR(ret);
err_media:
	media_device_cleanup(&cam->mdev);
	cam->engine.ops->cleanup(&cam->engine);
err_free:
	kfree(cam);
	return ERR_PTR(ret);
}

/**
 * cmacam_destroy() - the hardware goes away, users may stay
 * @cam: the board
 *
 * After this nothing touches a register. Mappings and dma-bufs live on by
 * references of their own.
 */
void cmacam_destroy(struct cmacam_device *cam)
{
	disable_work_sync(&cam->retire);
	withdraw(cam);
	cam->engine.ops->cleanup(&cam->engine);
	vb2_cma_forget_device(cam->dev);
	v4l2_device_put(&cam->v4l2_dev);
}

/*
 * The main channel ends first and begins last: those that are linked with it
 * wait meanwhile, and no frame is on one of them only.
 */
static int cmacam_suspend(struct device *dev)
{
	struct cmacam_device *cam = dev_get_drvdata(dev);
	unsigned int i;

	dev_dbg(dev, "suspending\n");
	for (i = 0; i < cam->engine.num_channels; i++)
		cmacam_video_suspend(&cam->video[i]);

	return 0;
}

static int cmacam_resume(struct device *dev)
{
	struct cmacam_device *cam = dev_get_drvdata(dev);
	unsigned int i = cam->engine.num_channels;
	int ret;

	dev_dbg(dev, "resuming\n");
	ret = cmacam_sensor_restore(&cam->sensor);

	while (i--) {
		int err = cmacam_video_resume(&cam->video[i]);

		ret = ret ?: err;
	}

	return ret;
}

DEFINE_SIMPLE_DEV_PM_OPS(cmacam_pm_ops, cmacam_suspend, cmacam_resume);

MODULE_DESCRIPTION("cmacam camera board");
MODULE_LICENSE("GPL");
