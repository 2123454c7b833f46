// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reach: which memory a device can address itself. The DMA API would serve
 * other memory through bounce buffers, that is, by a copy of each frame. This
 * module refuses such memory instead.
 */
#include <linux/dma-mapping.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "../compat.h"
#include "backend.h"
#include "vcma-buf.h"

/*
 * Why the last allocation refused memory. Only messages use it. If two devices
 * allocate at the same time, a message may name the address of the other one.
 */
static DEFINE_SPINLOCK(refused_lock);
static struct {
	phys_addr_t last; /* last byte of the memory; 0: none was refused */
	u64 end; /* first address out of reach; 0: unknown */
	bool bounced; /* no memory is in reach */
} refused;

/**
 * vcma_reach_reset() - an allocation begins
 */
void vcma_reach_reset(void)
{
	guard(spinlock)(&refused_lock);

	memset(&refused, 0, sizeof(refused));
}

/**
 * vcma_in_reach() - can a device address a piece of memory itself?
 * @dev: the device
 * @phys: start of the memory
 * @size: bytes
 *
 * Return: false if the DMA API would use a bounce buffer, or fail
 */
bool vcma_in_reach(struct device *dev, phys_addr_t phys, size_t size)
{
	return !compat_dma_always_bounces(dev) &&
	       compat_dma_in_reach(dev, phys, size);
}

static int say(char *text, size_t len, bool bounced, phys_addr_t last)
{
	if (bounced)
		return scnprintf(text, len,
				 "the kernel copies all DMA of this device through bounce buffers");

	return scnprintf(text, len, "the device cannot address %#llx",
			 (u64)last);
}

/**
 * vcma_suits() - can a device have a buffer?
 * @dev: the device
 * @buf: the buffer
 *
 * Return: false if the memory is out of reach or has the wrong attribute
 */
bool vcma_suits(struct device *dev, const struct vcma_buf *buf)
{
	return !buf->page ||
	       (vcma_in_reach(dev, page_to_phys(buf->page), buf->size) &&
		!vcma_attribute_unfit(buf, dev));
}

/**
 * vcma_reach_explain() - say why a device cannot have a buffer
 * @text: where to
 * @len: room there
 * @dev: the device
 * @buf: the buffer
 *
 * Return: characters written; 0 if it can
 */
int vcma_reach_explain(char *text, size_t len, struct device *dev,
		       const struct vcma_buf *buf)
{
	const char *unfit = vcma_attribute_unfit(buf, dev);

	if (vcma_suits(dev, buf))
		return 0;
	if (unfit)
		return scnprintf(text, len, "%s", unfit);

	return say(text, len, compat_dma_always_bounces(dev),
		   page_to_phys(buf->page) + buf->size - 1);
}

/**
 * vcma_reach_check() - accept or refuse memory for a buffer
 * @buf: the buffer; its device is set
 * @phys: start of the memory
 *
 * A buffer without an engine is in reach: its importers are checked when they
 * map it.
 *
 * Return: true if the engine reaches the memory. Otherwise the messages of
 * vcma_reach_room() and vcma_reach_advice() are about this memory.
 */
bool vcma_reach_check(const struct vcma_buf *buf, phys_addr_t phys)
{
	if (!buf->has_engine || vcma_in_reach(buf->dev, phys, buf->size))
		return true;

	guard(spinlock)(&refused_lock);

	refused.last = phys + buf->size - 1;
	refused.end = compat_dma_reach_end(buf->dev);
	refused.bounced = compat_dma_always_bounces(buf->dev);

	return false;
}

/**
 * vcma_reach_room() - say what was refused, if anything was
 * @text: where to
 * @len: room there
 *
 * Return: characters written
 */
int vcma_reach_room(char *text, size_t len)
{
	size_t n;

	guard(spinlock)(&refused_lock);

	if (!refused.last)
		return 0;
	n = scnprintf(text, len, ", but ");

	return n + say(text + n, len - n, refused.bounced, refused.last);
}

/**
 * vcma_reach_advice() - say what to set instead, if memory was refused
 * @text: where to
 * @len: room there
 * @lower: the advice if memory at a lower address would do; NULL: a CMA area
 *	there
 * @wanted: bytes that are held and missing
 *
 * Return: characters written; 0 if nothing was refused
 */
int vcma_reach_advice(char *text, size_t len, const char *lower, u64 wanted)
{
	unsigned long megabytes = vcma_cma_megabytes(0, wanted);

	guard(spinlock)(&refused_lock);

	if (!refused.last)
		return 0;
	if (refused.bounced)
		return scnprintf(text, len,
				 "boot without swiotlb=force and without memory encryption");
	if (lower)
		return scnprintf(text, len, "%s", lower);
	if (!refused.end)
		return scnprintf(text, len,
				 "boot with cma=%luM@START, where START is an address that the device reaches",
				 megabytes);
	if (IS_ALIGNED(refused.end, SZ_1G))
		return scnprintf(text, len, "boot with cma=%luM@0-%lluG",
				 megabytes, refused.end / SZ_1G);

	return scnprintf(text, len, "boot with cma=%luM@0-%lluM", megabytes,
			 refused.end / SZ_1M);
}
