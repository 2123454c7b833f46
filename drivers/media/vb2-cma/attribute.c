// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write-combining buffers. Each mapping through which anybody uses such a
 * buffer is write-combining, so there is never anything to synchronise.
 *
 * The kernel's linear mapping of the memory is a mapping as well, which the
 * CPU may use by speculation at any time:
 *
 * - On x86, it becomes write-combining, because a page must not be mapped with
 *   two attributes, and the kernel checks this. When the memory is freed, it
 *   becomes cached again.
 * - On arm64 and ARMv7, it cannot be changed: it consists of large entries. It
 *   is cleaned and invalidated once, before the first use, and nobody touches
 *   it until the memory is freed. Speculation may fetch lines through it. They
 *   are never dirty, and only a device that snoops the caches could find them.
 *   So such a device cannot have the buffer.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#ifdef CONFIG_X86
#include <asm/memtype.h>
#include <asm/set_memory.h>
#endif

#include "../compat.h"
#include "backend.h"
#include "choice.h"
#include "vcma-buf.h"

enum { ATTRIBUTE_CACHED, ATTRIBUTE_WC };

static const char *const attribute_names[] = {
	[ATTRIBUTE_CACHED] = "cached",
	[ATTRIBUTE_WC] = "wc",
};

static struct vcma_choice attribute_choice = {
	.names = attribute_names,
	.count = ARRAY_SIZE(attribute_names),
	.value = ATTRIBUTE_CACHED,
};

module_param_cb(attribute, &vcma_choice_ops, &attribute_choice, 0644);
MODULE_PARM_DESC(attribute,
		 "Attribute of all mappings of newly allocated buffers: cached (default) or wc (write-combining: no cache maintenance, slow to read)");

enum { COHERENT, UNSUPPORTED, SNOOPS, FIXED };

static const char *const reasons[] = {
	[COHERENT] =
		"the kernel itself gives the mappings of backend=coherent their attribute; set attribute=cached or another backend",
	[UNSUPPORTED] =
		"this machine has no write-combining mappings of RAM; set attribute=cached",
	[SNOOPS] =
		"the device snoops the caches, which may have old lines of write-combining memory; set attribute=cached",
	[FIXED] =
		"the kernel cannot change its own mapping of this memory; set attribute=cached or another backend",
};

/*
 * Why the last allocation was refused; NULL: it was not. Only messages use it.
 * If two devices allocate at the same time, a message may be about the other.
 */
static const char *refusal;

/**
 * vcma_attribute_refusal() - say why the last allocation was refused
 *
 * Return: the reason; NULL if it was not for its attribute
 */
const char *vcma_attribute_refusal(void)
{
	return READ_ONCE(refusal);
}

/**
 * vcma_attribute_name() - name the attribute of a buffer's mappings
 * @buf: the buffer
 *
 * Return: the name
 */
const char *vcma_attribute_name(const struct vcma_buf *buf)
{
	if (buf->backend->coherent)
		return buf->backend->name;

	return attribute_names[buf->wc ? ATTRIBUTE_WC : ATTRIBUTE_CACHED];
}

static bool finds_old_lines(struct device *dev)
{
	return !IS_ENABLED(CONFIG_X86) && dev_is_dma_coherent(dev);
}

/**
 * vcma_attribute_unfit() - say why a device cannot have a buffer
 * @buf: the buffer
 * @dev: the device
 *
 * Return: the reason; NULL if it can
 */
const char *vcma_attribute_unfit(const struct vcma_buf *buf,
				 struct device *dev)
{
	return buf->wc && finds_old_lines(dev) ? reasons[SNOOPS] : NULL;
}

#ifdef CONFIG_X86
static bool is_supported(void)
{
	return pat_enabled();
}

/*
 * Without a linear mapping, there is no record of the memory's attribute. For
 * carveout=SIZE@START, there is one of the whole range, which must not change.
 */
static bool is_fixed(const struct vcma_buf *buf)
{
	return PageHighMem(buf->page) || is_zone_device_page(buf->page);
}

/* This writes the zeroes back, too. */
static int change_linear(const struct vcma_buf *buf)
{
	return set_memory_wc((unsigned long)page_address(buf->page),
			     buf->size >> PAGE_SHIFT);
}

static int restore_linear(const struct vcma_buf *buf)
{
	return set_memory_wb((unsigned long)page_address(buf->page),
			     buf->size >> PAGE_SHIFT);
}
#else
/* On others, pgprot_writecombine() may change nothing, without notice. */
static bool is_supported(void)
{
	return IS_ENABLED(CONFIG_ARM64) || IS_ENABLED(CONFIG_CPU_V7);
}

/* Through a bounce buffer, change_linear() would not reach the memory. */
static bool is_fixed(const struct vcma_buf *buf)
{
	return !vcma_in_reach(buf->dev, page_to_phys(buf->page), buf->size);
}

/*
 * To map memory for a device that does not snoop cleans it, and to undo the
 * mapping invalidates it.
 */
static int change_linear(const struct vcma_buf *buf)
{
	dma_addr_t addr;

	addr = dma_map_page(buf->dev, buf->page, 0, buf->size,
			    DMA_BIDIRECTIONAL);
	if (dma_mapping_error(buf->dev, addr))
		return -ENOMEM;
	dma_unmap_page(buf->dev, addr, buf->size, DMA_BIDIRECTIONAL);

	return 0;
}

/* The next owner uses the mapping through which the lines were fetched. */
static int restore_linear(const struct vcma_buf *buf)
{
	return 0;
}
#endif

static const char *try_wc(struct vcma_buf *buf)
{
	if (!buf->page)
		return reasons[COHERENT];
	if (!is_supported())
		return reasons[UNSUPPORTED];
	if (finds_old_lines(buf->dev))
		return reasons[SNOOPS];
	if (is_fixed(buf))
		return reasons[FIXED];

	/* If this fails halfway, vcma_attribute_undo() restores all of it. */
	buf->wc = true;

	return change_linear(buf) ? reasons[FIXED] : NULL;
}

/**
 * vcma_attribute_reset() - an allocation begins
 */
void vcma_attribute_reset(void)
{
	WRITE_ONCE(refusal, NULL);
}

/**
 * vcma_attribute_apply() - give a new buffer the chosen attribute
 * @buf: the buffer; its memory is zeroed, and nobody else knows of it
 *
 * Return: 0, or -EOPNOTSUPP if it cannot have the attribute; then
 * vcma_attribute_refusal() says why, and the caller frees the memory after
 * vcma_attribute_undo()
 */
int vcma_attribute_apply(struct vcma_buf *buf)
{
	const char *reason;

	if (READ_ONCE(attribute_choice.value) == ATTRIBUTE_CACHED)
		return 0;

	reason = try_wc(buf);
	WRITE_ONCE(refusal, reason);

	return reason ? -EOPNOTSUPP : 0;
}

/**
 * vcma_attribute_undo() - the memory is about to be freed
 * @buf: the buffer, without mappings
 *
 * Return: false if the memory cannot be used for anything else
 */
bool vcma_attribute_undo(const struct vcma_buf *buf)
{
	if (!buf->wc || !restore_linear(buf))
		return true;

	dev_warn(buf->dev, "vb2-cma: %zu bytes are lost, because the kernel's mapping of them cannot be made cached again\n",
		 buf->size);

	return false;
}
