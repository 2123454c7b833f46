// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices whose DMA goes to shadows, and how long it does.
 */
#include <linux/device.h>
#include <linux/scatterlist.h>
#include <linux/iommu-dma.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "noncoherent.h"

static DEFINE_SPINLOCK(devices_lock); /* guards the list and the number */
static LIST_HEAD(devices);
static unsigned int device_count;
static DECLARE_WAIT_QUEUE_HEAD(devices_gone);

/**
 * nc_device_add() - take over the DMA of a device
 * @dev: a device that a driver is about to be bound to; its lock is held
 *
 * The kernel remembers per device that synchronisation can be skipped, and
 * does not ask again when a driver does not set its DMA mask.
 *
 * Return: 0; -EBUSY if the device has DMA operations already, or an offset
 * between its addresses and the CPU's; -ENOMEM
 */
int nc_device_add(struct device *dev)
{
	/* There if buffers of an earlier driver still live. */
	struct nc_device *nc = nc_device_get(dev);

	if (!nc) {
		if (use_dma_iommu(dev) || get_dma_ops(dev) ||
		    dev->dma_range_map)
			return -EBUSY;

		nc = kzalloc_obj(*nc);
		if (!nc)
			return -ENOMEM;

		nc->dev = get_device(dev);
		refcount_set(&nc->users, 1);
		guard(spinlock_irqsave)(&devices_lock);
		list_add(&nc->list, &devices);
		device_count++;
		set_dma_ops(dev, &nc_dma_ops);
	}
	nc->bound = true;
	dma_reset_need_sync(dev);

	return 0;
}

/**
 * nc_device_get() - find a device and add a user
 * @dev: the device
 *
 * Return: the device, or NULL if its DMA is none of ours
 */
struct nc_device *nc_device_get(struct device *dev)
{
	struct nc_device *nc;

	guard(spinlock_irqsave)(&devices_lock);
	list_for_each_entry(nc, &devices, list) {
		if (nc->dev == dev) {
			refcount_inc(&nc->users);
			return nc;
		}
	}

	return NULL;
}

/**
 * nc_device_put() - drop a user
 * @nc: the device
 *
 * Buffers may outlive their driver. Until the last is gone the device keeps
 * the operations, or the kernel would free memory it knows nothing of.
 */
void nc_device_put(struct nc_device *nc)
{
	scoped_guard(spinlock_irqsave, &devices_lock) {
		if (!refcount_dec_and_test(&nc->users))
			return;
		set_dma_ops(nc->dev, NULL);
		list_del(&nc->list);
	}
	put_device(nc->dev);
	kfree(nc);

	/* Last, and under the lock: the module may be gone after this. */
	guard(spinlock_irqsave)(&devices_lock);
	device_count--;
	wake_up_all(&devices_gone);
}

/**
 * nc_device_remove() - the driver of a device was unbound
 * @dev: the device; its lock is held
 *
 * Return: true if nc_device_add() had taken it
 */
bool nc_device_remove(struct device *dev)
{
	struct nc_device *nc = nc_device_get(dev);
	bool bound;

	if (!nc)
		return false;

	bound = nc->bound;
	nc->bound = false;
	if (bound)
		nc_device_put(nc);
	nc_device_put(nc);

	return bound;
}

static bool none_left(void)
{
	guard(spinlock_irqsave)(&devices_lock);
	return !device_count;
}

/**
 * nc_devices_wait() - wait for buffers that outlive their drivers
 */
void nc_devices_wait(void)
{
	wait_event(devices_gone, none_left());
}
