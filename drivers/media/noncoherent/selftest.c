// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's check of itself, by the DMA API of a device made for it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "noncoherent.h"

/* A few pages, whatever their size */
#define SMALL	(4 * PAGE_SIZE)

#define FRESH	0x11
#define OLD	0x22

/* Rounds in which a given line is evicted all but certainly. */
#define EVICTIONS	10000

static unsigned int checks, failures;

#define expect(what)						\
	do {							\
		checks++;					\
		if (!(what)) {					\
			failures++;				\
			pr_err("selftest: line %d: not %s\n",	\
			       __LINE__, #what);		\
		}						\
	} while (0)

static bool all(const void *mem, u8 value, size_t size)
{
	return !memchr_inv(mem, value, size);
}

/* What the device does: its address, taken as the physical one it is. */
static void device_writes(dma_addr_t dma, u8 value, size_t size)
{
	memset(phys_to_virt(dma), value, size);
}

static bool device_sees(dma_addr_t dma, u8 value, size_t size)
{
	return all(phys_to_virt(dma), value, size);
}

static void check_from_device(struct device *dev, size_t size)
{
	struct page *page;
	dma_addr_t dma;
	u8 *cpu;

	page = dma_alloc_pages(dev, size, &dma, DMA_FROM_DEVICE, GFP_KERNEL);
	expect(page);
	if (!page)
		return;
	cpu = page_address(page);

	expect(dma_need_sync(dev, dma));
	expect(page_ref_count(page + (size >> PAGE_SHIFT) - 1) == 1);
	expect(all(cpu, NC_POISON, size));

	/* Not synchronised: poison. */
	dma_sync_single_for_device(dev, dma, size, DMA_FROM_DEVICE);
	device_writes(dma, FRESH, size);
	expect(all(cpu, NC_POISON, size));

	/* One byte synchronised: its line, and nothing else. */
	dma_sync_single_for_cpu(dev, dma + 3 * NC_LINE + 5, 1,
				DMA_FROM_DEVICE);
	expect(all(cpu, NC_POISON, 3 * NC_LINE));
	expect(all(cpu + 3 * NC_LINE, FRESH, NC_LINE));
	expect(all(cpu + 4 * NC_LINE, NC_POISON, size - 4 * NC_LINE));

	/* The wrong direction does nothing. */
	dma_sync_single_for_cpu(dev, dma, size, DMA_TO_DEVICE);
	expect(all(cpu, NC_POISON, NC_LINE));

	dma_sync_single_for_cpu(dev, dma, size, DMA_FROM_DEVICE);
	expect(all(cpu, FRESH, size));

	/* The next cycle begins with poison, and keeps what was there. */
	dma_sync_single_for_device(dev, dma, size, DMA_FROM_DEVICE);
	expect(all(cpu, NC_POISON, size));
	expect(device_sees(dma, FRESH, size));

	dma_free_pages(dev, size, page, dma, DMA_FROM_DEVICE);
}

static void check_to_device(struct device *dev, size_t size)
{
	struct page *page;
	dma_addr_t dma;
	u8 *cpu;

	page = dma_alloc_pages(dev, size, &dma, DMA_BIDIRECTIONAL, GFP_KERNEL);
	expect(page);
	if (!page)
		return;
	cpu = page_address(page);

	memset(cpu, OLD, size);
	dma_sync_single_for_device(dev, dma, size, DMA_TO_DEVICE);
	expect(device_sees(dma, OLD, size));

	memset(cpu, FRESH, size);
	expect(device_sees(dma, OLD, size));
	dma_sync_single_for_device(dev, dma + NC_LINE, 1, DMA_BIDIRECTIONAL);
	expect(device_sees(dma, OLD, NC_LINE));
	expect(device_sees(dma + NC_LINE, FRESH, NC_LINE));
	expect(device_sees(dma + 2 * NC_LINE, OLD, size - 2 * NC_LINE));

	/* What was not written back is lost, what is clean is not evicted. */
	dma_sync_single_for_cpu(dev, dma, size, DMA_BIDIRECTIONAL);
	expect(all(cpu, OLD, NC_LINE));
	device_writes(dma, FRESH, size);
	dma_sync_single_for_device(dev, dma, size, DMA_BIDIRECTIONAL);
	expect(device_sees(dma, FRESH, size));

	dma_free_pages(dev, size, page, dma, DMA_BIDIRECTIONAL);
}

static void check_import(struct device *dev, size_t size)
{
	struct scatterlist sg[2];
	struct page *page;
	dma_addr_t dma;
	u8 *cpu;

	/* Its own memory, imported: the same shadow. */
	page = dma_alloc_pages(dev, size, &dma, DMA_FROM_DEVICE, GFP_KERNEL);
	expect(page);
	if (!page)
		return;
	expect(dma_map_page_attrs(dev, page, NC_LINE, NC_LINE, DMA_FROM_DEVICE,
				  DMA_ATTR_SKIP_CPU_SYNC) == dma + NC_LINE);
	dma_unmap_page_attrs(dev, dma + NC_LINE, NC_LINE, DMA_FROM_DEVICE,
			     DMA_ATTR_SKIP_CPU_SYNC);
	dma_free_pages(dev, size, page, dma, DMA_FROM_DEVICE);

	/* Foreign memory: a shadow, and neighbours in a line left alone. */
	cpu = alloc_pages_exact(size, GFP_KERNEL);
	expect(cpu);
	if (!cpu)
		return;
	memset(cpu, OLD, size);
	dma = dma_map_single(dev, cpu + 8, 2 * NC_LINE, DMA_FROM_DEVICE);
	expect(!dma_mapping_error(dev, dma));
	if (!dma_mapping_error(dev, dma)) {
		expect(dma != virt_to_phys(cpu) + 8);
		expect(all(cpu, OLD, 8));
		expect(all(cpu + 8, NC_POISON, 2 * NC_LINE));
		expect(all(cpu + 8 + 2 * NC_LINE, OLD, NC_LINE));
		device_writes(dma, FRESH, NC_LINE);
		dma_unmap_single(dev, dma, 2 * NC_LINE, DMA_FROM_DEVICE);
		expect(all(cpu + 8, FRESH, NC_LINE));
		expect(all(cpu + 8 + NC_LINE, OLD, 2 * NC_LINE));
	}

	/* Pieces that adjoin stay in one piece. */
	sg_init_table(sg, 2);
	sg_set_buf(&sg[0], cpu, PAGE_SIZE);
	sg_set_buf(&sg[1], cpu + PAGE_SIZE, size - PAGE_SIZE);
	memset(cpu, OLD, size);
	expect(dma_map_sg(dev, sg, 2, DMA_BIDIRECTIONAL) == 2);
	dma = sg_dma_address(&sg[0]);
	expect(sg_dma_address(&sg[1]) == dma + PAGE_SIZE);
	expect(device_sees(dma, OLD, size));
	device_writes(dma, FRESH, size);
	dma_sync_sg_for_cpu(dev, &sg[1], 1, DMA_BIDIRECTIONAL);
	expect(all(cpu, OLD, PAGE_SIZE));
	expect(all(cpu + PAGE_SIZE, FRESH, size - PAGE_SIZE));
	dma_unmap_sg(dev, sg, 2, DMA_BIDIRECTIONAL);
	expect(all(cpu, FRESH, size));
	free_pages_exact(cpu, size);
}

static void check_coherent(struct device *dev, size_t size)
{
	dma_addr_t dma;
	u8 *cpu;

	cpu = dma_alloc_coherent(dev, size, &dma, GFP_KERNEL);
	expect(cpu);
	if (!cpu)
		return;
	expect(all(cpu, 0, size));
	device_writes(dma, FRESH, size);
	expect(all(cpu, FRESH, size));
	dma_sync_single_for_device(dev, dma, size, DMA_FROM_DEVICE);
	expect(all(cpu, FRESH, size));
	dma_free_coherent(dev, size, cpu, dma);
}

static void check_eviction(struct device *dev, size_t size)
{
	struct page *page;
	dma_addr_t dma;
	int rounds;
	u8 *cpu;

	page = dma_alloc_pages(dev, size, &dma, DMA_FROM_DEVICE, GFP_KERNEL);
	expect(page);
	if (!page)
		return;
	cpu = page_address(page);

	/* The CPU writes a line of a buffer that the device owns. */
	dma_sync_single_for_device(dev, dma, size, DMA_FROM_DEVICE);
	cpu[2 * NC_LINE] = OLD;
	device_writes(dma, FRESH, size);
	for (rounds = 0; rounds < EVICTIONS; rounds++) {
		nc_evict_some();
		if (!device_sees(dma, FRESH, size))
			break;
	}
	expect(device_sees(dma, FRESH, 2 * NC_LINE));
	expect(device_sees(dma + 2 * NC_LINE, OLD, 1));
	expect(device_sees(dma + 2 * NC_LINE + 1, NC_POISON, NC_LINE - 1));
	expect(device_sees(dma + 3 * NC_LINE, FRESH, size - 3 * NC_LINE));

	dma_free_pages(dev, size, page, dma, DMA_FROM_DEVICE);
}

static void check_exhaustion(struct device *dev)
{
	dma_addr_t dma;

	expect(!dma_alloc_pages(dev, SZ_1T, &dma, DMA_FROM_DEVICE,
				GFP_KERNEL | __GFP_NOWARN));
	expect(!dma_alloc_coherent(dev, SZ_1T, &dma,
				   GFP_KERNEL | __GFP_NOWARN));
}

/**
 * nc_selftest() - check that the module does what it says
 *
 * Return: 0, or -EIO if a check failed; the kernel's log names it
 */
int nc_selftest(void)
{
	struct platform_device *pdev;
	struct device *dev;
	int ret;

	pdev = platform_device_register_simple("noncoherent-selftest",
					       PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);

	dev = &pdev->dev;
	ret = nc_device_add(dev);
	if (ret)
		goto out_unregister;

	check_from_device(dev, SMALL);
	check_from_device(dev, SZ_8M);
	check_to_device(dev, SMALL);
	check_import(dev, SMALL);
	check_import(dev, SZ_2M);
	check_coherent(dev, SMALL);
	check_coherent(dev, SZ_8M);
	check_eviction(dev, SMALL);
	check_exhaustion(dev);

	nc_device_remove(dev);
	expect(!get_dma_ops(dev));
	pr_info("selftest: %u of %u checks passed\n", checks - failures,
		checks);
	ret = failures ? -EIO : 0;

out_unregister:
	platform_device_unregister(pdev);
	return ret;
}
