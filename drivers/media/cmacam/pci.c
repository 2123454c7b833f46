// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bus glue: the board as a PCI Express device.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pm_runtime.h>
#include <linux/string_choices.h>

#include "cmacam.h"

#define PCI_AUTOSUSPEND_MS	1000

/* By the driver_data of an ID; that of a device with driver_override is 0. */
static const struct cmacam_engine_ops * const engines[] = {
	&cmacam_fifo_engine,
};

/*
 * A configuration write is not posted, and its completion does not overtake
 * writes of the board. So when pci_clear_master() returns, all that the board
 * has written is in memory, and no more follows. A board that is out of reach
 * for configuration writes has left the bus, and cannot write either.
 */
static void cmacam_pci_isolate(struct device *dev, bool isolated)
{
	struct pci_dev *pdev = to_pci_dev(dev);

	dev_dbg(dev, "the DMA of the board is switched %s\n",
		str_off_on(isolated));
	if (isolated)
		pci_clear_master(pdev);
	else
		pci_set_master(pdev);
}

static int cmacam_pci_probe(struct pci_dev *pdev,
			    const struct pci_device_id *id)
{
	struct device *dev = &pdev->dev;
	struct cmacam_device *cam;
	void __iomem *regs;
	int ret;

	ret = pcim_enable_device(pdev);
	if (ret)
		return dev_err_probe(dev, ret, "cannot enable the device\n");

	regs = pcim_iomap_region(pdev, CMACAM_BAR_REGS, CMACAM_NAME);
	if (IS_ERR(regs))
		return dev_err_probe(dev, PTR_ERR(regs),
				     "cannot map the registers\n");

	ret = pci_alloc_irq_vectors(pdev, CMACAM_MSIX_VECTORS,
				    CMACAM_MSIX_VECTORS, PCI_IRQ_MSIX);
	if (ret < 0)
		return dev_err_probe(dev, ret, "there is no MSI-X interrupt\n");

	cam = cmacam_create(dev, engines[id->driver_data], regs,
			    pci_irq_vector(pdev, 0), cmacam_pci_isolate);
	if (IS_ERR(cam)) {
		pci_free_irq_vectors(pdev);
		return PTR_ERR(cam);
	}
	pci_set_drvdata(pdev, cam);

	pm_runtime_set_autosuspend_delay(dev, PCI_AUTOSUSPEND_MS);
	pm_runtime_use_autosuspend(dev);
	pm_runtime_put_noidle(dev);
	pm_runtime_allow(dev);

	return 0;
}

static void cmacam_pci_remove(struct pci_dev *pdev)
{
	struct device *dev = &pdev->dev;

	/* Undo what probe gave to runtime PM; awake until the end. */
	pm_runtime_forbid(dev);
	pm_runtime_get_noresume(dev);
	pm_runtime_dont_use_autosuspend(dev);

	cmacam_destroy(pci_get_drvdata(pdev));
	pci_free_irq_vectors(pdev);
	pci_clear_master(pdev);
}

static const struct pci_device_id cmacam_pci_ids[] = {
	{ PCI_DEVICE(CMACAM_PCI_VENDOR, CMACAM_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, cmacam_pci_ids);

static struct pci_driver cmacam_pci_driver = {
	.name = CMACAM_NAME,
	.id_table = cmacam_pci_ids,
	.probe = cmacam_pci_probe,
	.remove = cmacam_pci_remove,
	.driver.pm = pm_sleep_ptr(&cmacam_pm_ops),
};
module_pci_driver(cmacam_pci_driver);
