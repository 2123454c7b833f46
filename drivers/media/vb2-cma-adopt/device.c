// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices that do the DMA of adopted queues. Their DMA mappings end with
 * their drivers.
 *
 * The driver of an adopted queue does not know of vb2-cma, so it does not call
 * vb2_cma_forget_device(). Programs may keep frames longer than the device
 * exists. The kernel releases what drivers got with devm functions after
 * remove(), when DMA has ended, and before it takes down the DMA operations of
 * the device. An action there is the right moment. The notifiers of the bus are
 * not: the first comes before remove(), the second when the DMA operations are
 * gone.
 */
#include <linux/device.h>
#include <linux/list.h>
#include <linux/slab.h>

#include "adopt.h"
#include "vb2-cma.h"

/**
 * struct adopt_device - a device that does the DMA of adopted queues
 * @entry: entry in the list of these devices
 * @dev: the device; NULL from the moment at which its driver is unbound
 * @queues: number of adopted queues
 *
 * All under adopt_lock. The action of the device holds this module.
 */
struct adopt_device {
	struct list_head entry;
	struct device *dev;
	unsigned int queues;
};

static LIST_HEAD(devices);

/* The driver was unbound. With the last queue, nobody refers to the entry. */
static void device_is_gone(void *data)
{
	struct adopt_device *d = data;

	/* Before the lock, under which others still see the device. */
	vb2_cma_forget_device(d->dev);

	scoped_guard(mutex, &adopt_lock) {
		d->dev = NULL;
		list_del(&d->entry);
		if (!d->queues)
			kfree(d);
	}
	adopt_module_put();
}

/*
 * May the device lose its driver at this moment? Not while a node below it
 * exists: the driver unregisters its nodes before the action is due. For the
 * others, such as the DMA controller of a capture device, its lock is needed.
 * Waiting for this lock is not possible: its holder may wait for adopt_lock.
 */
static bool hold(struct device *dev, struct video_device *vdev)
{
	return (vdev && vdev->dev.parent == dev) || device_trylock(dev);
}

static void let_go(struct device *dev, struct video_device *vdev)
{
	if (!vdev || vdev->dev.parent != dev)
		device_unlock(dev);
}

static struct adopt_device *find(const struct device *dev)
{
	struct adopt_device *d;

	list_for_each_entry(d, &devices, entry)
		if (d->dev == dev)
			return d;

	return NULL;
}

static struct adopt_device *add(struct device *dev)
{
	struct adopt_device *d;
	int ret;

	if (!dev->driver)
		return ERR_PTR(-ENXIO);
	d = kzalloc_obj(*d);
	if (!d)
		return ERR_PTR(-ENOMEM);
	if (!adopt_module_get()) {
		kfree(d);
		return ERR_PTR(-ENODEV);
	}

	d->dev = dev;
	list_add(&d->entry, &devices);
	ret = devm_add_action(dev, device_is_gone, d);
	if (ret) {
		list_del(&d->entry);
		kfree(d);
		adopt_module_put();
		return ERR_PTR(ret);
	}

	return d;
}

static int refuse_held(struct device *dev, struct video_device *vdev)
{
	return adopt_refuse(-EBUSY,
			    "%s: the device %s, which does the DMA, is being bound, unbound or suspended: write the name of the node again later",
			    video_device_node_name(vdev), dev_name(dev));
}

/**
 * adopt_device_get() - count a queue of a device
 * @dev: the device that does the DMA
 * @vdev: the node of the queue, which is registered or about to be
 *
 * Return: the device, for adopt_device_put(); an error pointer if there is
 * nothing by which the mappings would end, and that was said
 */
struct adopt_device *adopt_device_get(struct device *dev,
				      struct video_device *vdev)
{
	struct adopt_device *d = find(dev);

	if (!d) {
		if (!hold(dev, vdev))
			return ERR_PTR(refuse_held(dev, vdev));
		d = add(dev);
		let_go(dev, vdev);
	}
	if (IS_ERR(d)) {
		adopt_refuse(PTR_ERR(d),
			     "%s: nothing would end the DMA mappings of the device %s: error %pe",
			     video_device_node_name(vdev), dev_name(dev), d);
		return d;
	}
	d->queues++;

	return d;
}

/**
 * adopt_device_is_last() - is there only one adopted queue of a device?
 * @d: the device
 *
 * Return: true if buffers that outlive the next adopted queue would have nobody
 * who ends their mappings
 */
bool adopt_device_is_last(const struct adopt_device *d)
{
	return d->dev && d->queues == 1;
}

/**
 * adopt_device_put() - a queue of a device is not adopted any more
 * @d: the device
 * @vdev: the node of the queue, if it is still registered, or NULL
 *
 * The action stays as long as buffers are mapped for the device, and where it
 * may be running now. It then holds this module until the driver is unbound.
 */
void adopt_device_put(struct adopt_device *d, struct video_device *vdev)
{
	struct device *dev = d->dev;

	if (--d->queues)
		return;
	if (!dev) {
		kfree(d);
		return;
	}
	if (vb2_cma_device_in_use(dev) || !hold(dev, vdev))
		return;

	devm_remove_action(dev, device_is_gone, d);
	let_go(dev, vdev);
	list_del(&d->entry);
	kfree(d);
	adopt_module_put();
}
