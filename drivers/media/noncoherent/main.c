// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes the DMA of chosen devices non-coherent, on a machine where it is
 * coherent, so that a missing cache maintenance call shows.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>

#include "noncoherent.h"

#define NC_CHOICES	8

static char *device[NC_CHOICES];
static unsigned int devices;
module_param_array(device, charp, &devices, 0444);
MODULE_PARM_DESC(device, "IDs of the PCI devices to make non-coherent: VENDOR:DEVICE in hexadecimal");

static char *driver[NC_CHOICES];
static unsigned int drivers;
module_param_array(driver, charp, &drivers, 0444);
MODULE_PARM_DESC(driver, "names of the drivers whose PCI or platform devices are made non-coherent");

static unsigned int evict;
module_param(evict, uint, 0444);
MODULE_PARM_DESC(evict, "interval between evictions of dirty lines, milliseconds; 0: no evictions");

static bool selftest;
module_param(selftest, bool, 0444);
MODULE_PARM_DESC(selftest, "run the self-test when the module is loaded");

static bool has_chosen_id(struct pci_dev *pdev)
{
	char id[16];
	unsigned int i;

	snprintf(id, sizeof(id), "%04x:%04x", pdev->vendor, pdev->device);
	for (i = 0; i < devices; i++)
		if (!strcasecmp(device[i], id))
			return true;

	return false;
}

static bool is_chosen(struct device *dev)
{
	unsigned int i;

	if (dev_is_pci(dev) && has_chosen_id(to_pci_dev(dev)))
		return true;
	for (i = 0; i < drivers; i++)
		if (!strcmp(driver[i], dev->driver->name))
			return true;

	return false;
}

/*
 * The module stays while a driver is bound. Its reference is taken and given
 * back in the notifier only, and the end of the module waits for that.
 */
static void bind(struct device *dev)
{
	int ret;

	if (!is_chosen(dev) || !try_module_get(THIS_MODULE))
		return;

	ret = nc_device_add(dev);
	if (ret) {
		dev_warn(dev, "the device stays coherent: %s\n",
			 ret == -EBUSY ?
			 "its addresses are not the CPU's, as behind an IOMMU" :
			 "there is no memory");
		module_put(THIS_MODULE);
		return;
	}
	dev_info(dev, "non-coherent: lines of %u bytes, poison 0x%02x\n",
		 NC_LINE, NC_POISON);
}

static void unbind(struct device *dev)
{
	if (nc_device_remove(dev))
		module_put(THIS_MODULE);
}

/* BIND comes after the kernel's own DMA set-up and before the probe. */
static int notify(struct notifier_block *nb, unsigned long action, void *data)
{
	switch (action) {
	case BUS_NOTIFY_BIND_DRIVER:
		bind(data);
		break;
	case BUS_NOTIFY_DRIVER_NOT_BOUND:
	case BUS_NOTIFY_UNBOUND_DRIVER:
		unbind(data);
		break;
	}

	return NOTIFY_DONE;
}

/* Each of them is in the list of one bus. */
static struct notifier_block pci_notifier = {
	.notifier_call = notify,
};

static struct notifier_block platform_notifier = {
	.notifier_call = notify,
};

static int __init nc_init(void)
{
	int ret = 0;

	if (selftest)
		ret = nc_selftest();
	if (ret)
		return ret;

	ret = bus_register_notifier(&pci_bus_type, &pci_notifier);
	if (ret)
		return ret;
	ret = bus_register_notifier(&platform_bus_type, &platform_notifier);
	if (ret) {
		bus_unregister_notifier(&pci_bus_type, &pci_notifier);
		return ret;
	}
	nc_evict_start(evict);

	return 0;
}
module_init(nc_init);

static void __exit nc_exit(void)
{
	bus_unregister_notifier(&platform_bus_type, &platform_notifier);
	bus_unregister_notifier(&pci_bus_type, &pci_notifier);
	nc_devices_wait();
	nc_evict_stop();
}
module_exit(nc_exit);

MODULE_DESCRIPTION("Non-coherent DMA on a coherent machine");
MODULE_LICENSE("GPL");
