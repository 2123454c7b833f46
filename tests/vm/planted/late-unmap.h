/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fault for vb2-cma. This header is included before each source of vb2-cma.
 * If a process that ends frees a buffer, the driver is slow to undo the
 * engine's mapping: it waits until the device has no driver any more, for two
 * seconds at most. The kernel warns if the device then has no driver.
 */
#include <linux/bug.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/sched.h>

static inline void late_unmap(struct device *dev, dma_addr_t addr, size_t size,
			      enum dma_data_direction dir, unsigned long attrs)
{
	unsigned int tries = current->flags & PF_EXITING ? 100 : 0;

	for (; tries && READ_ONCE(dev->driver); tries--)
		msleep(20);
	WARN(!READ_ONCE(dev->driver), "unmapped for a device without driver\n");
	dma_unmap_page_attrs(dev, addr, size, dir, attrs);
}

#define dma_unmap_page_attrs late_unmap
