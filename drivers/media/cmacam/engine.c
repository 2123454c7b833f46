// SPDX-License-Identifier: GPL-2.0-only
/*
 * The register-level DMA engine: address FIFO in, completion ring out.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>
#include <linux/ktime.h>
#include <linux/log2.h>

#include "cmacam-regs.h"
#include "engine.h"

#define ENGINE_CHANNEL		0
#define ENGINE_RING_MIN		64
#define ENGINE_SERVICE_MS	100
#define ENGINE_CLOCK_RUNS	10	/* the clock once per second */
#define ENGINE_BRACKETS		4
#define ENGINE_IDLE_TIMEOUT_US	(3 * USEC_PER_SEC)
#define ENGINE_RESET_TIMEOUT_US	(USEC_PER_SEC / 2)

#define ENGINE_INT_ALL		(CMACAM_CH_INT_FRAME_START | \
				 CMACAM_CH_INT_FRAME_DONE | \
				 CMACAM_CH_INT_DROP | \
				 CMACAM_CH_INT_FIFO_OVERFLOW | \
				 CMACAM_CH_INT_CONFIG)

static u32 ch_read(struct cmacam_engine *engine, u32 reg)
{
	return readl(engine->regs + CMACAM_CH(ENGINE_CHANNEL) + reg);
}

static void ch_write(struct cmacam_engine *engine, u32 reg, u32 value)
{
	writel(value, engine->regs + CMACAM_CH(ENGINE_CHANNEL) + reg);
}

/*
 * Bracket a reading of the board's clock by two of ours. The tightest bracket
 * was interrupted least and leaves the smallest doubt.
 */
static void engine_read_clock(struct cmacam_engine *engine)
{
	u64 best = U64_MAX;
	s64 offset = 0;
	int i;

	for (i = 0; i < ENGINE_BRACKETS; i++) {
		u64 before = ktime_get_ns();
		u32 lo = readl(engine->regs + CMACAM_TIME_LO);
		u64 after = ktime_get_ns();
		u64 board = lo |
			    (u64)readl(engine->regs + CMACAM_TIME_HI) << 32;

		if (after - before >= best)
			continue;
		best = after - before;
		offset = before + best / 2 - board;
	}

	guard(spinlock_irqsave)(&engine->lock);
	engine->clock_offset = offset;
}

/* Never in the future, never behind the frame before: users subtract. */
static u64 engine_timestamp(struct cmacam_engine *engine, u64 board)
{
	u64 timestamp = board + engine->clock_offset;

	timestamp = min(timestamp, ktime_get_ns());
	timestamp = max(timestamp, engine->last_timestamp + 1);
	engine->last_timestamp = timestamp;

	return timestamp;
}

static void engine_lose(struct cmacam_engine *engine, u32 count)
{
	u32 first = engine->next;

	engine->next += count;
	engine->lost += count;
	engine->client->frames_lost(engine, first, count);
}

static void engine_complete(struct cmacam_engine *engine,
			    const struct cmacam_completion *entry)
{
	struct cmacam_frame frame = {
		.addr = le64_to_cpu(entry->addr),
		.sequence = engine->base + le32_to_cpu(entry->sequence),
		.bytes = le32_to_cpu(entry->bytes),
		.error = le32_to_cpu(entry->flags) & (CMACAM_DONE_BUS_ERROR |
						      CMACAM_DONE_LIMIT |
						      CMACAM_DONE_SHORT),
		.exposure = le32_to_cpu(entry->exposure),
		.gain = le32_to_cpu(entry->gain),
		.pattern = le32_to_cpu(entry->pattern),
		.line_length = le32_to_cpu(entry->line_length),
		.frame_length = le32_to_cpu(entry->frame_length),
		.flip = le32_to_cpu(entry->flip),
		.crop_left = le32_to_cpu(entry->crop_pos) & 0xffff,
		.crop_top = le32_to_cpu(entry->crop_pos) >> 16,
		.crop_width = le32_to_cpu(entry->crop_size) & 0xffff,
		.crop_height = le32_to_cpu(entry->crop_size) >> 16,
		.red_gain = le32_to_cpu(entry->red_gain),
		.blue_gain = le32_to_cpu(entry->blue_gain),
		.brightness = (s32)le32_to_cpu(entry->brightness),
		.contrast = le32_to_cpu(entry->contrast),
		.saturation = le32_to_cpu(entry->saturation),
	};
	s32 gap = frame.sequence - engine->next;
	unsigned int used;

	frame.timestamp = engine_timestamp(engine, le64_to_cpu(entry->time));

	if (gap > 0)
		engine_lose(engine, gap);
	engine->next = frame.sequence + 1;

	used = engine->client->frame_done(engine, &frame);
	engine->outstanding -= min(used, engine->outstanding);
	engine->taken -= min(used, engine->taken);
}

/* Return: true if there was a finished frame. */
static bool engine_drain(struct cmacam_engine *engine)
{
	bool found = false;

	lockdep_assert_held(&engine->lock);

	for (;;) {
		struct cmacam_completion *slot =
			&engine->ring[engine->ring_head];
		struct cmacam_completion entry;

		if (!(le32_to_cpu(READ_ONCE(slot->owner)) &
		      CMACAM_DONE_OWNER))
			break;

		/*
		 * The board writes pixels, then the entry, then the owner bit.
		 * Having seen the bit, read neither entry nor pixels earlier.
		 */
		dma_rmb();
		entry = *slot;

		/*
		 * From the next store on the board may overwrite the entry, so
		 * the loads above must be over: a full barrier, since a write
		 * barrier does not order loads before stores.
		 */
		dma_mb();
		WRITE_ONCE(slot->owner, 0);

		engine->ring_head = (engine->ring_head + 1) %
				    engine->ring_entries;
		engine_complete(engine, &entry);
		found = true;
	}

	if (found && engine->running)
		engine->client->refill(engine);

	return found;
}

/*
 * The board tells how many frames it has lost. Entries that it wrote before
 * the last of those are visible once the read has returned, so what the drain
 * leaves unexplained was lost after the newest finished frame.
 */
static void engine_count_dropped(struct cmacam_engine *engine)
{
	u32 dropped = ch_read(engine, CMACAM_CH_DROPPED);
	s32 missing;

	if (dropped == U32_MAX)
		return;

	engine_drain(engine);
	missing = dropped - engine->lost;
	if (missing > 0)
		engine_lose(engine, missing);
}

/*
 * A frame has begun, so its address has left the FIFO: with a depth of one
 * the next address must go there now, not at the end of the frame.
 */
static void engine_count_taken(struct cmacam_engine *engine)
{
	u32 space = ch_read(engine, CMACAM_CH_FIFO_SPACE);
	u32 waiting;

	if (space > engine->caps.depth)
		return;

	waiting = engine->caps.depth - space;
	if (waiting < engine->outstanding)
		engine->taken = engine->outstanding - waiting;
	engine->client->refill(engine);
}

static irqreturn_t engine_irq(int irq, void *data)
{
	struct cmacam_engine *engine = data;
	u32 seen = ENGINE_INT_ALL;
	u32 status = 0;
	bool found;

	guard(spinlock_irqsave)(&engine->lock);

	if (!engine->running)
		return IRQ_HANDLED;

	/*
	 * Reading a register costs more than all the rest of this handler;
	 * finished frames are learnt from the ring, in memory.
	 */
	if (engine->watch || engine->caps.depth == 1) {
		status = ch_read(engine, CMACAM_CH_INT_STATUS);
		if (status == U32_MAX)
			return IRQ_HANDLED;
		seen = status;
	}

	/*
	 * Acknowledge first: an entry that is written after the drain below
	 * has looked then raises a new interrupt. Where causes matter, those
	 * that came up since the read are left for that interrupt to find.
	 */
	ch_write(engine, CMACAM_CH_INT_STATUS, seen);

	found = engine_drain(engine);

	if (status & CMACAM_CH_INT_FRAME_START) {
		if (engine->watch)
			engine->client->frame_start(engine, engine->base +
				ch_read(engine, CMACAM_CH_SEQUENCE));
		if (engine->caps.depth == 1)
			engine_count_taken(engine);
	}

	/* Without a status, an interrupt without a frame is about a loss. */
	if (status ? status & CMACAM_CH_INT_DROP : !found)
		engine_count_dropped(engine);

	return IRQ_HANDLED;
}

/*
 * Whether the board has taken the geometry is asked a little later: to wait
 * for the answer would cost each start a round trip for what cannot happen
 * with formats that came from the capabilities.
 */
static void engine_check_enabled(struct cmacam_engine *engine)
{
	if (ch_read(engine, CMACAM_CH_CTRL) & CMACAM_CH_CTRL_EN)
		return;

	dev_err(engine->dev, "the board refuses to start\n");
	engine->client->failed(engine);
}

/*
 * An interrupt that got lost would be made up for by the next one, but there
 * is none if the board has run out of addresses. Looking at the ring is cheap.
 */
static void engine_service(struct work_struct *work)
{
	struct cmacam_engine *engine =
		container_of(work, struct cmacam_engine, service.work);

	scoped_guard(spinlock_irqsave, &engine->lock)
		engine_drain(engine);

	if (engine->service_runs == 0)
		engine_check_enabled(engine);
	if (++engine->service_runs % ENGINE_CLOCK_RUNS == 0)
		engine_read_clock(engine);

	schedule_delayed_work(&engine->service,
			      msecs_to_jiffies(ENGINE_SERVICE_MS));
}

static u32 engine_int_mask(struct cmacam_engine *engine)
{
	u32 mask = CMACAM_CH_INT_FRAME_DONE | CMACAM_CH_INT_DROP;

	if (engine->watch || engine->caps.depth == 1)
		mask |= CMACAM_CH_INT_FRAME_START;

	return mask;
}

static void engine_watch_start(struct cmacam_engine *engine, bool on)
{
	guard(spinlock_irqsave)(&engine->lock);

	engine->watch += on ? 1 : -1;
	if (engine->running)
		ch_write(engine, CMACAM_CH_INT_ENABLE,
			 engine_int_mask(engine));
}

static bool engine_queue(struct cmacam_engine *engine, dma_addr_t addr)
{
	lockdep_assert_held(&engine->lock);

	if (!engine->running ||
	    engine->outstanding - engine->taken >= engine->caps.depth)
		return false;

	/* The second write commits. */
	ch_write(engine, CMACAM_CH_ADDR_HI, upper_32_bits(addr));
	ch_write(engine, CMACAM_CH_ADDR_LO, lower_32_bits(addr));
	engine->outstanding++;

	return true;
}

/**
 * cmacam_engine_reset() - bring the board into its initial state
 * @engine: the engine
 *
 * Return: 0, or -EIO if the board does not come back
 */
int cmacam_engine_reset(struct cmacam_engine *engine)
{
	u32 ctrl;

	writel(CMACAM_CTRL_RESET, engine->regs + CMACAM_CTRL);
	if (readl_poll_timeout(engine->regs + CMACAM_CTRL, ctrl,
			       !(ctrl & CMACAM_CTRL_RESET), 100,
			       ENGINE_RESET_TIMEOUT_US))
		return -EIO;

	return 0;
}

/*
 * The buffers go back to their users after this, so the board must not write
 * to them any more, whatever state it is in.
 */
static void engine_wait_idle(struct cmacam_engine *engine)
{
	u32 status;

	if (!readl_poll_timeout(engine->regs + CMACAM_CH(ENGINE_CHANNEL) +
				CMACAM_CH_STATUS, status,
				status & CMACAM_CH_STATUS_IDLE, 1000,
				ENGINE_IDLE_TIMEOUT_US))
		return;

	dev_err(engine->dev, "the engine does not stop, resetting the board\n");
	if (!cmacam_engine_reset(engine))
		return;

	dev_err(engine->dev, "the board does not reset, cutting it off\n");
	engine->isolate(engine->dev);
	engine->broken = true;
}

static void engine_stop(struct cmacam_engine *engine)
{
	cancel_delayed_work_sync(&engine->service);

	scoped_guard(spinlock_irqsave, &engine->lock)
		engine->running = false;

	ch_write(engine, CMACAM_CH_CTRL, 0);
	engine_wait_idle(engine);

	ch_write(engine, CMACAM_CH_INT_ENABLE, 0);
	writel(0, engine->regs + CMACAM_IRQ_ENABLE);
	synchronize_irq(engine->irq);

	/* The interrupts of the last events may have come too late. */
	guard(spinlock_irqsave)(&engine->lock);
	engine_drain(engine);
	engine_count_dropped(engine);
	engine->outstanding = 0;
	engine->taken = 0;
}

static int engine_start(struct cmacam_engine *engine,
			const struct cmacam_engine_config *config)
{
	if (engine->broken)
		return -EIO;

	memset(engine->ring, 0,
	       engine->ring_entries * sizeof(*engine->ring));
	engine_read_clock(engine);

	ch_write(engine, CMACAM_CH_WIDTH, config->width);
	ch_write(engine, CMACAM_CH_HEIGHT, config->height);
	ch_write(engine, CMACAM_CH_FORMAT, config->code);
	ch_write(engine, CMACAM_CH_STRIDE, config->stride);
	ch_write(engine, CMACAM_CH_SIZE_LIMIT, config->size);
	ch_write(engine, CMACAM_CH_RING_LO, lower_32_bits(engine->ring_dma));
	ch_write(engine, CMACAM_CH_RING_HI, upper_32_bits(engine->ring_dma));
	ch_write(engine, CMACAM_CH_RING_ENTRIES, engine->ring_entries);
	ch_write(engine, CMACAM_CH_INT_STATUS, ENGINE_INT_ALL);
	writel(BIT(ENGINE_CHANNEL), engine->regs + CMACAM_IRQ_ENABLE);

	/* Addresses first, so that frame 0 finds one. */
	scoped_guard(spinlock_irqsave, &engine->lock) {
		engine->ring_head = 0;
		engine->outstanding = 0;
		engine->taken = 0;
		engine->lost = 0;
		engine->next = engine->base;
		engine->running = true;
		ch_write(engine, CMACAM_CH_INT_ENABLE,
			 engine_int_mask(engine));
		engine->client->refill(engine);
	}

	ch_write(engine, CMACAM_CH_CTRL, CMACAM_CH_CTRL_EN);
	engine->service_runs = 0;
	schedule_delayed_work(&engine->service,
			      msecs_to_jiffies(ENGINE_SERVICE_MS));

	return 0;
}

static const struct cmacam_engine_ops engine_ops = {
	.start = engine_start,
	.stop = engine_stop,
	.queue = engine_queue,
	.watch_start = engine_watch_start,
};

static int engine_read_caps(struct cmacam_engine *engine)
{
	u32 caps = readl(engine->regs + CMACAM_CAPS);
	u32 align = readl(engine->regs + CMACAM_ALIGN);
	u32 bits = (caps & CMACAM_CAPS_ADDR_BITS) >>
		   CMACAM_CAPS_ADDR_BITS_SHIFT;

	engine->caps = (struct cmacam_engine_caps) {
		.formats = ch_read(engine, CMACAM_CH_FORMATS) &
			   (BIT(CMACAM_FMT_COUNT) - 1),
		.depth = (caps & CMACAM_CAPS_FIFO) >> CMACAM_CAPS_FIFO_SHIFT,
		.addr_bits = bits,
		.addr_align = BIT(align & CMACAM_ALIGN_ADDR & 31),
		.stride_align = BIT((align & CMACAM_ALIGN_STRIDE) >>
				    CMACAM_ALIGN_STRIDE_SHIFT & 31),
		.max_stride = readl(engine->regs + CMACAM_MAX_STRIDE),
	};

	if (!(caps & CMACAM_CAPS_CHANNELS) || !engine->caps.formats ||
	    !engine->caps.depth || bits < 32 || bits > 64)
		return dev_err_probe(engine->dev, -ENODEV,
				     "unusable capabilities 0x%08x\n", caps);

	return 0;
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
	int ret;

	engine->ops = &engine_ops;
	engine->client = client;
	engine->dev = dev;
	engine->regs = regs;
	engine->irq = irq;
	engine->isolate = isolate;
	spin_lock_init(&engine->lock);
	INIT_DELAYED_WORK(&engine->service, engine_service);

	ret = engine_read_caps(engine);
	if (ret)
		return ret;

	ret = cmacam_engine_reset(engine);
	if (ret)
		return dev_err_probe(dev, ret, "the board does not reset\n");

	ret = dma_set_mask_and_coherent(dev,
					DMA_BIT_MASK(engine->caps.addr_bits));
	if (ret)
		return dev_err_probe(dev, ret, "no memory in %u address bits\n",
				     engine->caps.addr_bits);
	/* A frame is one segment. */
	dma_set_max_seg_size(dev, UINT_MAX);

	/* More entries than frames can be unread: never full. */
	engine->ring_entries = max(ENGINE_RING_MIN,
				   roundup_pow_of_two(engine->caps.depth + 2));
	engine->ring = dma_alloc_coherent(dev, engine->ring_entries *
					  sizeof(*engine->ring),
					  &engine->ring_dma, GFP_KERNEL);
	if (!engine->ring)
		return -ENOMEM;

	ret = request_irq(irq, engine_irq, 0, "cmacam", engine);
	if (ret)
		dma_free_coherent(dev, engine->ring_entries *
				  sizeof(*engine->ring), engine->ring,
				  engine->ring_dma);

	return ret;
}

/**
 * cmacam_engine_cleanup() - the hardware goes away
 * @engine: the engine, stopped; only its lock may be used afterwards
 */
void cmacam_engine_cleanup(struct cmacam_engine *engine)
{
	free_irq(engine->irq, engine);
	dma_free_coherent(engine->dev,
			  engine->ring_entries * sizeof(*engine->ring),
			  engine->ring, engine->ring_dma);
	engine->ring = NULL;
}
