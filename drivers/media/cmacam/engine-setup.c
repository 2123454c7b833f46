// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the board's DMA engine can do and what it needs: found, made, undone.
 */
#include <linux/dev_printk.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "engine-priv.h"

#define ENGINE_RING_MIN		64
#define ENGINE_RESET_TIMEOUT_US	(USEC_PER_SEC / 2)

/**
 * cmacam_engine_reset() - bring the board into its initial state
 * @engine: the engine
 *
 * Stops every channel.
 *
 * Return: 0, or -EIO if the board does not come back
 */
int cmacam_engine_reset(struct cmacam_engine *engine)
{
	u32 ctrl;

	dev_dbg(engine->dev, "resetting the board\n");
	writel(CMACAM_CTRL_RESET, engine->regs + CMACAM_CTRL);
	if (readl_poll_timeout(engine->regs + CMACAM_CTRL, ctrl,
			       !(ctrl & CMACAM_CTRL_RESET), 100,
			       ENGINE_RESET_TIMEOUT_US))
		return -EIO;

	return 0;
}

/* The channels differ in their formats only. */
static int engine_read_caps(struct cmacam_engine *engine)
{
	u32 caps = readl(engine->regs + CMACAM_CAPS);
	u32 align = readl(engine->regs + CMACAM_ALIGN);
	u32 bits = (caps & CMACAM_CAPS_ADDR_BITS) >>
		   CMACAM_CAPS_ADDR_BITS_SHIFT;
	const struct cmacam_engine_caps common = {
		.depth = (caps & CMACAM_CAPS_FIFO) >> CMACAM_CAPS_FIFO_SHIFT,
		.addr_bits = bits,
		.addr_align = BIT(align & CMACAM_ALIGN_ADDR & 31),
		.stride_align = BIT((align & CMACAM_ALIGN_STRIDE) >>
				    CMACAM_ALIGN_STRIDE_SHIFT & 31),
		.max_stride = readl(engine->regs + CMACAM_MAX_STRIDE),
	};
	unsigned int i;

	engine->num_channels = min(caps & CMACAM_CAPS_CHANNELS,
				   CMACAM_CH_COUNT);

	for (i = 0; i < engine->num_channels; i++) {
		struct cmacam_channel *ch = &engine->channels[i];

		ch->engine = engine;
		ch->index = i;
		ch->caps = common;
		ch->caps.formats = ch_read(ch, CMACAM_CH_FORMATS) &
				   (BIT(CMACAM_FMT_COUNT) - 1);
	}

	if (!engine->num_channels || !common.depth || bits < 32 || bits > 64)
		return dev_err_probe(engine->dev, -ENODEV,
				     "unusable capabilities 0x%08x\n", caps);

	dev_dbg(engine->dev,
		"%u channels, %u addresses of %u bits each, aligned to %u bytes, strides to %u, up to %u\n",
		engine->num_channels, common.depth, bits, common.addr_align,
		common.stride_align, common.max_stride);

	return 0;
}

static size_t rings_size(const struct cmacam_engine *engine)
{
	return (size_t)engine->num_channels * engine->ring_entries *
	       sizeof(struct cmacam_completion);
}

static void engine_free_memory(struct cmacam_engine *engine)
{
	struct cmacam_channel *first = &engine->channels[0];
	unsigned int i;

	if (first->ring)
		dma_free_coherent(engine->dev, rings_size(engine), first->ring,
				  first->ring_dma);
	for (i = 0; i < engine->num_channels; i++)
		engine->channels[i].ring = NULL;

	kfree(engine->stamps);
	engine->stamps = NULL;
}

/* The rings follow each other in one piece. */
static int engine_alloc_memory(struct cmacam_engine *engine)
{
	u32 depth = engine->channels[0].caps.depth;
	struct cmacam_completion *ring;
	dma_addr_t dma;
	unsigned int i;

	static_assert(sizeof(*ring) == 128);

	/* More entries than frames can be unread: never full. */
	engine->ring_entries = max(ENGINE_RING_MIN,
				   roundup_pow_of_two(depth + 2));

	engine->stamps = kzalloc_objs(*engine->stamps, engine->ring_entries);
	ring = dma_alloc_coherent(engine->dev, rings_size(engine), &dma,
				  GFP_KERNEL);
	for (i = 0; ring && i < engine->num_channels; i++) {
		engine->channels[i].ring = ring + i * engine->ring_entries;
		engine->channels[i].ring_dma = dma + i * engine->ring_entries *
						     sizeof(*ring);
	}

	if (ring && engine->stamps)
		return 0;

	engine_free_memory(engine);
	return -ENOMEM;
}

/**
 * cmacam_engine_init() - find out what the board's engine can do
 * @engine: the engine
 * @dev: the bus device; its DMA mask is set here
 * @regs: register block
 * @irq: interrupt of the board
 * @isolate: cuts the board off the bus
 * @client: who takes the frames
 *
 * Return: 0 or a negative error code
 */
int cmacam_engine_init(struct cmacam_engine *engine, struct device *dev,
		       void __iomem *regs, int irq,
		       void (*isolate)(struct device *),
		       const struct cmacam_engine_client *client)
{
	unsigned int bits;
	int ret;

	engine->ops = &cmacam_engine_ops;
	engine->client = client;
	engine->dev = dev;
	engine->regs = regs;
	engine->irq = irq;
	engine->isolate = isolate;
	mutex_init(&engine->setup);
	spin_lock_init(&engine->lock);
	INIT_DELAYED_WORK(&engine->service, cmacam_engine_service);

	ret = engine_read_caps(engine);
	if (ret)
		return ret;

	ret = cmacam_engine_reset(engine);
	if (ret)
		return dev_err_probe(dev, ret, "the board does not reset\n");

	bits = engine->channels[0].caps.addr_bits;
	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits));
	if (ret)
		return dev_err_probe(dev, ret, "no memory in %u address bits\n",
				     bits);
	/* A frame is one segment. */
	dma_set_max_seg_size(dev, UINT_MAX);

	ret = engine_alloc_memory(engine);
	if (ret)
		return ret;

	/* Each board has a line of its own in /proc/interrupts. */
	ret = request_irq(irq, cmacam_engine_irq, 0, dev_name(dev), engine);
	if (ret)
		engine_free_memory(engine);

	return ret;
}

/**
 * cmacam_engine_cleanup() - the hardware goes away
 * @engine: the engine, with no channel started; only its lock may be used
 *	afterwards
 */
void cmacam_engine_cleanup(struct cmacam_engine *engine)
{
	free_irq(engine->irq, engine);
	engine_free_memory(engine);
	mutex_destroy(&engine->setup);
}
