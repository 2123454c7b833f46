// SPDX-License-Identifier: GPL-2.0-only
/*
 * The video nodes, those that come later included, and what is asked for them.
 */
#define pr_fmt(fmt) "vb2-cma-adopt: " fmt

#include <linux/array_size.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "adopt.h"

#define DRIVERS_MAX	16
#define NAME_SIZE	40
/* For how long the name of a node that is not there is waited for. */
#define NODE_MS		1000

/**
 * struct adopt_node - a video node
 * @entry: entry in the list of all nodes
 * @vdev: the node, valid as long as this entry exists
 * @adopted: its queue, if that is adopted
 */
struct adopt_node {
	struct list_head entry;
	struct video_device *vdev;
	struct adopt_queue *adopted;
};

/**
 * struct choice - a driver whose queues are adopted
 * @name: name of the driver
 * @mode: what writes its frames
 */
struct choice {
	char name[NAME_SIZE];
	enum adopt_mode mode;
};

/* All under adopt_lock. */
static LIST_HEAD(nodes);
static struct choice choices[DRIVERS_MAX];
static unsigned int choice_count;
static bool watching; /* all nodes that are registered are in the list */

/* Drivers that use vb2_dma_contig_memops, and do no DMA. */
static const char *const cpu_drivers[] = { "vimc", "vivid" };

static const char *const mode_names[] = {
	[ADOPT_DMA] = "dma",
	[ADOPT_CPU] = "cpu",
};

static const char *driver_of(const struct video_device *vdev)
{
	const struct device *parent = vdev->dev.parent;

	return parent && parent->driver ? parent->driver->name : "";
}

static enum adopt_mode mode_for(const struct video_device *vdev,
				enum adopt_mode mode)
{
	if (mode != ADOPT_DEFAULT)
		return mode;

	return match_string(cpu_drivers, ARRAY_SIZE(cpu_drivers),
			    driver_of(vdev)) < 0 ? ADOPT_DMA : ADOPT_CPU;
}

static int adopt_node(struct adopt_node *node, enum adopt_mode mode,
		      bool registered)
{
	struct video_device *vdev = node->vdev;
	struct adopt_queue *a;

	a = adopt_queue(vdev, mode_for(vdev, mode), registered);
	if (IS_ERR(a))
		return PTR_ERR(a);

	node->adopted = a;
	pr_info("%s: adopted: driver %s, frames are written by %s\n", a->name,
		driver_of(vdev), a->mode == ADOPT_CPU ? "the CPU" : "DMA");

	return 0;
}

/* -----------------------------------------------------------------------------
 * By the name of the driver
 */

/* Drivers have other nodes as well, which are not meant. */
static bool captures_video(const struct video_device *vdev)
{
	const struct vb2_queue *q = vdev->queue;

	return q && (q->type == V4L2_BUF_TYPE_VIDEO_CAPTURE ||
		     q->type == V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE);
}

static void adopt_if_chosen(struct adopt_node *node, bool registered)
{
	unsigned int i;

	if (node->adopted || !captures_video(node->vdev))
		return;
	for (i = 0; i < choice_count; i++)
		if (!strcmp(choices[i].name, driver_of(node->vdev)))
			adopt_node(node, choices[i].mode, registered);
}

/*
 * Called for each node that exists, and then for each later one, within its
 * registration. Nobody can open a later node before its registration has ended.
 * The lock of a class and the lock of V4L2 are held, and maybe locks of the
 * driver.
 */
static int add_node(struct device *dev)
{
	struct video_device *vdev = to_video_device(dev);
	struct adopt_node *node;

	if (vdev->vfl_type != VFL_TYPE_VIDEO)
		return 0;
	node = kzalloc_obj(*node);
	if (!node)
		return -ENOMEM;
	node->vdev = vdev;

	guard(mutex)(&adopt_lock);
	list_add_tail(&node->entry, &nodes);
	adopt_if_chosen(node, !watching);

	return 0;
}

static void remove_node(struct device *dev)
{
	struct video_device *vdev = to_video_device(dev);
	struct adopt_node *node, *next;

	guard(mutex)(&adopt_lock);

	list_for_each_entry_safe(node, next, &nodes, entry) {
		if (node->vdev != vdev)
			continue;
		if (node->adopted)
			adopt_forsake(node->adopted);
		list_del(&node->entry);
		kfree(node);
	}
}

static struct class_interface interface = {
	.add_dev = add_node,
	.remove_dev = remove_node,
};

/**
 * adopt_nodes_start() - look at all video nodes from now on
 *
 * Return: 0 or a negative error code
 */
int adopt_nodes_start(void)
{
	const struct class *class = adopt_find_class();
	int ret;

	if (IS_ERR(class))
		return PTR_ERR(class);

	interface.class = class;
	ret = class_interface_register(&interface);
	if (ret)
		return ret;

	guard(mutex)(&adopt_lock);
	watching = true;

	return 0;
}

/**
 * adopt_nodes_stop() - forget the nodes, of which none is adopted
 */
void adopt_nodes_stop(void)
{
	class_interface_unregister(&interface);
}

static int parse_mode(const char *word, enum adopt_mode *mode)
{
	int found;

	*mode = ADOPT_DEFAULT;
	if (!word || !*word)
		return 0;

	found = !strcmp(word, mode_names[ADOPT_CPU]) ? ADOPT_CPU :
		!strcmp(word, mode_names[ADOPT_DMA]) ? ADOPT_DMA : -EINVAL;
	if (found < 0)
		return adopt_refuse(-EINVAL,
				    "'%s' is not a known word; the words are: cpu dma",
				    word);
	*mode = found;

	return 0;
}

static int parse_choices(char *text, struct choice *parsed)
{
	unsigned int count = 0;
	char *entry, *name;
	int ret;

	while ((entry = strsep(&text, ", \t\n"))) {
		if (!*entry)
			continue;
		if (count == DRIVERS_MAX)
			return adopt_refuse(-E2BIG,
					    "drivers: there are more than %u names",
					    DRIVERS_MAX);
		name = strsep(&entry, ":");
		ret = parse_mode(entry, &parsed[count].mode);
		if (ret)
			return ret;
		if (!*name || strscpy(parsed[count].name, name) < 0)
			return adopt_refuse(-EINVAL,
					    "drivers: '%s' cannot be the name of a driver",
					    name);
		count++;
	}

	return count;
}

/* A node that cannot be adopted now does not undo the choice; that was said. */
static int set_drivers(const char *value, const struct kernel_param *kp)
{
	struct choice parsed[DRIVERS_MAX] = {};
	struct adopt_node *node;
	char *text;
	int count;

	text = kstrdup(value, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	count = parse_choices(text, parsed);
	kfree(text);
	if (count < 0)
		return count;

	guard(mutex)(&adopt_lock);

	memcpy(choices, parsed, sizeof(choices));
	choice_count = count;
	list_for_each_entry(node, &nodes, entry)
		adopt_if_chosen(node, true);

	return 0;
}

static int get_drivers(char *buffer, const struct kernel_param *kp)
{
	unsigned int i;
	int at = 0;

	guard(mutex)(&adopt_lock);

	for (i = 0; i < choice_count; i++) {
		at += sysfs_emit_at(buffer, at, "%s%s", i ? "," : "",
				    choices[i].name);
		if (choices[i].mode != ADOPT_DEFAULT)
			at += sysfs_emit_at(buffer, at, ":%s",
					    mode_names[choices[i].mode]);
	}

	return at + sysfs_emit_at(buffer, at, "\n");
}

static const struct kernel_param_ops drivers_ops = {
	.set = set_drivers,
	.get = get_drivers,
};

module_param_cb(drivers, &drivers_ops, NULL, 0644);
MODULE_PARM_DESC(drivers,
		 "Drivers whose queues are adopted, those of later nodes included: NAME[:cpu|:dma], with commas between them");

/* -----------------------------------------------------------------------------
 * By the name of the node
 */

static struct adopt_node *find_node(const char *name)
{
	struct adopt_node *node;

	list_for_each_entry(node, &nodes, entry)
		if (!strcmp(video_device_node_name(node->vdev), name))
			return node;

	return NULL;
}

/*
 * The kernel tells udev of a new node before it calls add_node(). So a rule of
 * udev may be here too early. Called with adopt_lock, which is dropped
 * meanwhile.
 */
static struct adopt_node *await_node(const char *name)
{
	unsigned long end = jiffies + msecs_to_jiffies(NODE_MS);
	struct adopt_node *node;

	while (!(node = find_node(name)) && time_before(jiffies, end)) {
		mutex_unlock(&adopt_lock);
		msleep(20);
		mutex_lock(&adopt_lock);
	}
	if (!node)
		adopt_refuse(-ENODEV, "%s: there is no such video node", name);

	return node;
}

static int adopt_by_name(const char *name, enum adopt_mode mode)
{
	struct adopt_node *node;

	guard(mutex)(&adopt_lock);

	node = await_node(name);
	if (!node)
		return -ENODEV;
	if (!node->adopted)
		return adopt_node(node, mode, true);
	if (mode_for(node->vdev, mode) != node->adopted->mode)
		return adopt_refuse(-EBUSY,
				    "%s: the queue is adopted with the word %s: write -%s first",
				    name, mode_names[node->adopted->mode],
				    name);

	return 0;
}

static int undo_by_name(const char *name)
{
	struct adopt_node *node;
	int ret;

	guard(mutex)(&adopt_lock);

	node = find_node(name);
	if (!node || !node->adopted)
		return adopt_refuse(-ENOENT, "%s: the node is not adopted",
				    name);
	ret = adopt_undo(node->adopted);
	if (ret)
		return ret;

	node->adopted = NULL;
	pr_info("%s: not adopted any more\n", name);

	return 0;
}

/* NODE, NODE cpu, NODE dma, or -NODE */
static int set_adopt(const char *value, const struct kernel_param *kp)
{
	char text[64], *rest, *name;
	enum adopt_mode mode;
	bool undo;
	int ret;

	/* While the module is loaded, there is no list of nodes yet. */
	if (!READ_ONCE(watching))
		return adopt_refuse(-EINVAL,
				    "adopt cannot be set when the module is loaded; set drivers instead");
	if (strscpy(text, value) < 0)
		return adopt_refuse(-EINVAL, "adopt: the line is too long");

	rest = strim(text);
	undo = *rest == '-';
	if (undo)
		rest++;
	name = strsep(&rest, " \t");
	if (rest)
		rest = skip_spaces(rest);
	ret = parse_mode(rest, &mode);
	if (ret)
		return ret;
	if (!*name || (undo && rest))
		return adopt_refuse(-EINVAL,
				    "adopt: write NODE, 'NODE cpu', 'NODE dma' or -NODE, where NODE is a name such as video0");

	return undo ? undo_by_name(name) : adopt_by_name(name, mode);
}

static int get_adopt(char *buffer, const struct kernel_param *kp)
{
	struct adopt_node *node;
	int at = 0;

	guard(mutex)(&adopt_lock);

	list_for_each_entry(node, &nodes, entry)
		if (node->adopted)
			at += sysfs_emit_at(buffer, at, "%s %s %s\n",
					    video_device_node_name(node->vdev),
					    mode_names[node->adopted->mode],
					    driver_of(node->vdev));

	return at;
}

static const struct kernel_param_ops adopt_ops = {
	.set = set_adopt,
	.get = get_adopt,
};

module_param_cb(adopt, &adopt_ops, NULL, 0644);
MODULE_PARM_DESC(adopt,
		 "Adopts the queue of a node (write NODE, 'NODE cpu' or 'NODE dma'), or undoes that (write -NODE); reads as the list of adopted nodes");
