// SPDX-License-Identifier: GPL-2.0-only
/*
 * The register-level DMA engine: address FIFO in, completion ring out, for
 * each channel.
 */
#include <linux/bitops.h>
#include <linux/dev_printk.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include <asm/barrier.h>

#include "engine.h"

#define ENGINE_RING_MIN		64
#define ENGINE_RESET_TIMEOUT_US	(USEC_PER_SEC / 2)
#define ENGINE_IDLE_TIMEOUT_US	(3 * USEC_PER_SEC)
#define ENGINE_SERVICE_MS	100
#define ENGINE_CLOCK_RUNS	10	/* the clock once per second */

#define CMACAM_CH_INT_ALL	(CMACAM_CH_INT_FRAME_START | \
				 CMACAM_CH_INT_FRAME_DONE | \
				 CMACAM_CH_INT_DROP | \
				 CMACAM_CH_INT_FIFO_OVERFLOW | \
				 CMACAM_CH_INT_CONFIG)

static void __iomem *ch_reg(const struct cmacam_channel *ch, u32 reg)
{
	return ch->engine->regs + CMACAM_CH(ch->index) + reg;
}

static u32 ch_read(const struct cmacam_channel *ch, u32 reg)
{
	return readl(ch_reg(ch, reg));
}

static void ch_write(const struct cmacam_channel *ch, u32 reg, u32 value)
{
	writel(value, ch_reg(ch, reg));
}

/* A linked channel counts as the main channel does, all the way. */
static u32 ch_base(const struct cmacam_channel *ch)
{
	return ch->linked ? ch->engine->channels[CMACAM_CH_MAIN].base :
			    ch->base;
}

/* Does it matter what an interrupt is about, beside a finished frame? */
static bool ch_needs_causes(const struct cmacam_channel *ch)
{
	return ch->watch || ch->caps.depth == 1;
}

/**
 * cmacam_engine_leader() - the channel whose frames stand for the sensor's
 * @engine: the engine, with its lock held
 *
 * Return: the main channel if it is started, else the first that makes the
 *	sensor run; NULL if there is none
 */
struct cmacam_channel *cmacam_engine_leader(struct cmacam_engine *engine)
{
	unsigned int i;

	for (i = 0; i < engine->num_channels; i++)
		if (engine->channels[i].started && !engine->channels[i].linked)
			return &engine->channels[i];

	return NULL;
}

/* -----------------------------------------------------------------------------
 * Reset
 */

/* Bring the board into its initial state, in which every channel stands. */
static int engine_reset(struct cmacam_engine *engine)
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

/* -----------------------------------------------------------------------------
 * Who wants to hear of starts of frames
 */

static u32 channel_int_mask(const struct cmacam_channel *ch)
{
	u32 mask = CMACAM_CH_INT_FRAME_DONE | CMACAM_CH_INT_DROP;

	if (ch_needs_causes(ch))
		mask |= CMACAM_CH_INT_FRAME_START;

	return mask;
}

static void channel_count_watch(struct cmacam_channel *ch, bool on)
{
	lockdep_assert_held(&ch->engine->lock);

	ch->watch += on ? 1 : -1;
	if (ch->running)
		ch_write(ch, CMACAM_CH_INT_ENABLE, channel_int_mask(ch));
}

static void channel_watch_start(struct cmacam_channel *ch, bool on)
{
	guard(spinlock_irqsave)(&ch->engine->lock);

	channel_count_watch(ch, on);
}

/* Starts of frames are watched while they are traced. */
static void channel_follow_trace(struct cmacam_channel *ch)
{
	bool on = ch->engine->client->traces_start();

	if (on == ch->traced)
		return;

	ch->traced = on;
	channel_count_watch(ch, on);
}

/* -----------------------------------------------------------------------------
 * Completion ring: what became of the frames
 */

static void channel_lose(struct cmacam_channel *ch, u32 first, u32 count)
{
	ch->next = first + count;
	ch->lost += count;
	dev_dbg(ch->engine->dev,
		"channel %u: %u frames lost from %u on, %u since start\n",
		ch->index, count, first, ch->lost);
	ch->engine->client->frames_lost(ch, first, count);
}

static void channel_complete(struct cmacam_channel *ch,
			     const struct cmacam_completion *entry)
{
	struct cmacam_frame frame = {
		.addr = le64_to_cpu(entry->addr),
		.sequence = ch_base(ch) + le32_to_cpu(entry->sequence),
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
	/*
	 * Not the gap in the sequence numbers: those of a linked channel are
	 * the main channel's, which may have run before or start over.
	 */
	s32 missing = le32_to_cpu(entry->dropped) - ch->lost;
	unsigned int used;

	frame.timestamp = cmacam_engine_timestamp(ch->engine,
						  le64_to_cpu(entry->time));

	if (missing > 0)
		channel_lose(ch, frame.sequence - missing, missing);
	ch->next = frame.sequence + 1;
	ch->synced = true;

	used = ch->engine->client->frame_done(ch, &frame);
	ch->outstanding -= min(used, ch->outstanding);
	ch->taken -= min(used, ch->taken);
}

/* Whether the ring has an entry that was not read. */
static bool channel_has_entry(const struct cmacam_channel *ch)
{
	const struct cmacam_completion *slot = &ch->ring[ch->ring_head];

	return le32_to_cpu(READ_ONCE(slot->owner)) & CMACAM_DONE_OWNER;
}

/* Hand out all frames that are finished. */
static void channel_drain(struct cmacam_channel *ch)
{
	bool found = false;

	lockdep_assert_held(&ch->engine->lock);

	while (channel_has_entry(ch)) {
		struct cmacam_completion *slot = &ch->ring[ch->ring_head];
		struct cmacam_completion entry;

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

		ch->ring_head = (ch->ring_head + 1) % ch->engine->ring_entries;
		channel_complete(ch, &entry);
		found = true;
	}

	if (found && ch->running)
		ch->engine->client->refill(ch);
}

/*
 * The board counts the frames that it has lost. Entries that it wrote before
 * the last of those are visible once the read has returned, so what the drain
 * leaves unexplained was lost after the newest finished frame.
 *
 * A linked channel learns from its first frame where the main channel is. What
 * it lost until then is reported with that frame, or at the end.
 */
static void channel_count_dropped(struct cmacam_channel *ch)
{
	u32 dropped = ch_read(ch, CMACAM_CH_DROPPED);
	s32 missing;

	if (dropped == U32_MAX)
		return;

	channel_drain(ch);
	if (!ch->synced && ch->running)
		return;

	missing = dropped - ch->lost;
	if (missing > 0)
		channel_lose(ch, ch->next, missing);
}

/* -----------------------------------------------------------------------------
 * News: those that interrupts bring, and those that only a look finds
 */

/*
 * A frame has begun, so its address has left the FIFO: with a depth of one
 * the next address must go there now, not at the end of the frame.
 */
static void channel_count_taken(struct cmacam_channel *ch)
{
	u32 space = ch_read(ch, CMACAM_CH_FIFO_SPACE);
	u32 waiting;

	if (space > ch->caps.depth)
		return;

	waiting = ch->caps.depth - space;
	if (waiting < ch->outstanding)
		ch->taken = ch->outstanding - waiting;
	ch->engine->client->refill(ch);
}

/*
 * The number of the frame that began last. SEQUENCE is that of the next frame
 * when this one has ended already, as it has when the interrupt comes late.
 * Frames that end faster than this reads leave it one off after some tries.
 */
static u32 channel_started_sequence(const struct cmacam_channel *ch)
{
	unsigned int tries = 3;
	u32 sequence, status;

	do {
		sequence = ch_read(ch, CMACAM_CH_SEQUENCE);
		status = ch_read(ch, CMACAM_CH_STATUS);
	} while (ch_read(ch, CMACAM_CH_SEQUENCE) != sequence &&
		 sequence != U32_MAX && --tries);

	return status & CMACAM_CH_STATUS_ACTIVE ? sequence : sequence - 1;
}

static void channel_irq_by_cause(struct cmacam_channel *ch)
{
	u32 status = ch_read(ch, CMACAM_CH_INT_STATUS);

	if (status == U32_MAX)
		return;

	/*
	 * Acknowledge before looking at the ring, and only what was seen: an
	 * event that comes later raises a new interrupt.
	 */
	ch_write(ch, CMACAM_CH_INT_STATUS, status);
	channel_drain(ch);

	if (status & CMACAM_CH_INT_FRAME_START) {
		if (ch->watch)
			ch->engine->client->frame_start(ch, ch_base(ch) +
				channel_started_sequence(ch));
		if (ch->caps.depth == 1)
			channel_count_taken(ch);
	}

	if (status & CMACAM_CH_INT_DROP)
		channel_count_dropped(ch);
}

/* An interrupt that brought a channel no frame may be about a loss there. */
static void engine_find_losses(struct cmacam_engine *engine, u32 without)
{
	u32 pending = without;
	unsigned int i;

	/* One that waits for another channel's frames is not worth a read. */
	if (hweight32(engine->irq_enable) > 1)
		pending &= readl(engine->regs + CMACAM_IRQ_STATUS);

	for (i = 0; i < engine->num_channels; i++) {
		struct cmacam_channel *ch = &engine->channels[i];

		if (!(pending & BIT(i)))
			continue;
		/* All bits ones: the board is gone, and the next read tells. */
		ch_write(ch, CMACAM_CH_INT_STATUS, CMACAM_CH_INT_ALL);
		channel_count_dropped(ch);
	}
}

/*
 * The board has news, of any channel. To read a register costs more than all
 * the rest of this handler, so finished frames are found in the rings, in
 * memory. The main channel comes first: where channels are linked, its frame is
 * handed out before theirs.
 */
static irqreturn_t engine_irq(int irq, void *data)
{
	struct cmacam_engine *engine = data;
	u32 without = 0;
	unsigned int i;

	guard(spinlock_irqsave)(&engine->lock);

	for (i = 0; i < engine->num_channels; i++) {
		struct cmacam_channel *ch = &engine->channels[i];

		if (!ch->running)
			continue;

		if (ch_needs_causes(ch)) {
			channel_irq_by_cause(ch);
		} else if (channel_has_entry(ch)) {
			/*
			 * Acknowledge first: an entry that is written after
			 * the drain has looked then raises a new interrupt.
			 */
			ch_write(ch, CMACAM_CH_INT_STATUS, CMACAM_CH_INT_ALL);
			channel_drain(ch);
		} else {
			without |= BIT(i);
		}
	}

	if (without)
		engine_find_losses(engine, without);

	return IRQ_HANDLED;
}

/*
 * Whether the board has taken the geometry is asked a little later: to wait
 * for the answer would cost each start a round trip for what cannot happen
 * with formats that came from the capabilities.
 */
static void channel_check_enabled(struct cmacam_channel *ch)
{
	if (!ch->unchecked)
		return;

	ch->unchecked = false;
	if (ch_read(ch, CMACAM_CH_CTRL) & CMACAM_CH_CTRL_EN)
		return;

	dev_err(ch->engine->dev, "the board refuses to start channel %u\n",
		ch->index);
	ch->engine->client->failed(ch);
}

/* A board that is not there reads as all ones, which is no identification. */
static bool engine_is_gone(const struct cmacam_engine *engine)
{
	return readl(engine->regs + CMACAM_ID) == U32_MAX;
}

static void engine_look_after(struct cmacam_engine *engine)
{
	unsigned int i;

	scoped_guard(spinlock_irqsave, &engine->lock) {
		for (i = 0; i < engine->num_channels; i++) {
			struct cmacam_channel *ch = &engine->channels[i];

			if (!ch->running)
				continue;
			channel_drain(ch);
			channel_check_enabled(ch);
			channel_follow_trace(ch);
		}
	}

	if (++engine->service_runs % ENGINE_CLOCK_RUNS == 0)
		cmacam_engine_read_clock(engine);
}

/*
 * Look after what no interrupt reports. The next interrupt makes up for one
 * that got lost, but there is none if the board has run out of addresses; to
 * look at the ring is cheap. A board that was torn out, lost its power or has
 * crashed says nothing at all.
 */
static void engine_service(struct work_struct *work)
{
	struct cmacam_engine *engine =
		container_of(work, struct cmacam_engine, service.work);

	if (engine_is_gone(engine))
		engine->client->gone(engine);
	else
		engine_look_after(engine);

	schedule_delayed_work(&engine->service,
			      msecs_to_jiffies(ENGINE_SERVICE_MS));
}

/* -----------------------------------------------------------------------------
 * Channels: addresses, start and stop
 */

static bool channel_queue(struct cmacam_channel *ch, dma_addr_t addr)
{
	lockdep_assert_held(&ch->engine->lock);

	if (!ch->running || ch->outstanding - ch->taken >= ch->caps.depth)
		return false;

	/* The second write commits. */
	ch_write(ch, CMACAM_CH_ADDR_HI, upper_32_bits(addr));
	ch_write(ch, CMACAM_CH_ADDR_LO, lower_32_bits(addr));
	ch->outstanding++;

	return true;
}

/* A reset has stopped the other channels as well: their users must hear it. */
static void engine_fail_others(struct cmacam_engine *engine)
{
	unsigned int i;

	guard(spinlock_irqsave)(&engine->lock);

	for (i = 0; i < engine->num_channels; i++) {
		struct cmacam_channel *ch = &engine->channels[i];

		if (!ch->running)
			continue;
		ch->running = false;
		engine->client->failed(ch);
	}
}

/*
 * The buffers go back to their users after this, so the board must not write
 * to them any more, whatever state it is in.
 */
static void channel_wait_idle(struct cmacam_channel *ch)
{
	struct cmacam_engine *engine = ch->engine;
	u32 status;

	if (!readl_poll_timeout(ch_reg(ch, CMACAM_CH_STATUS), status,
				status & CMACAM_CH_STATUS_IDLE, 1000,
				ENGINE_IDLE_TIMEOUT_US))
		return;

	dev_err(engine->dev, "channel %u does not stop, resetting the board\n",
		ch->index);
	engine_fail_others(engine);
	if (!engine_reset(engine))
		return;

	dev_err(engine->dev, "the board does not reset, cutting it off\n");
	engine->isolate(engine->dev);
	engine->broken = true;
}

static void engine_allow_irq(struct cmacam_channel *ch, bool on)
{
	struct cmacam_engine *engine = ch->engine;

	lockdep_assert_held(&engine->lock);

	if (on)
		engine->irq_enable |= BIT(ch->index);
	else
		engine->irq_enable &= ~BIT(ch->index);
	writel(engine->irq_enable, engine->regs + CMACAM_IRQ_ENABLE);
}

static void channel_stop(struct cmacam_channel *ch)
{
	struct cmacam_engine *engine = ch->engine;

	guard(mutex)(&engine->setup);

	if (!--engine->users)
		cancel_delayed_work_sync(&engine->service);

	scoped_guard(spinlock_irqsave, &engine->lock)
		ch->running = false;

	ch_write(ch, CMACAM_CH_CTRL, 0);
	channel_wait_idle(ch);

	ch_write(ch, CMACAM_CH_INT_ENABLE, 0);
	scoped_guard(spinlock_irqsave, &engine->lock)
		engine_allow_irq(ch, false);
	synchronize_irq(engine->irq);

	/* The interrupts of the last events may have come too late. */
	guard(spinlock_irqsave)(&engine->lock);
	channel_drain(ch);
	channel_count_dropped(ch);
	ch->started = false;
	ch->outstanding = 0;
	ch->taken = 0;
}

static int channel_start(struct cmacam_channel *ch,
			 const struct cmacam_engine_config *config)
{
	struct cmacam_engine *engine = ch->engine;
	u32 ctrl = CMACAM_CH_CTRL_EN;
	unsigned int i;

	guard(mutex)(&engine->setup);

	if (engine->broken)
		return -EIO;

	if (!engine->users++) {
		cmacam_engine_restart_clock(engine);
		engine->service_runs = 0;
		schedule_delayed_work(&engine->service,
				      msecs_to_jiffies(ENGINE_SERVICE_MS));
	}

	memset(ch->ring, 0, engine->ring_entries * sizeof(*ch->ring));

	ch_write(ch, CMACAM_CH_WIDTH, config->width);
	ch_write(ch, CMACAM_CH_HEIGHT, config->height);
	ch_write(ch, CMACAM_CH_FORMAT, config->code);
	ch_write(ch, CMACAM_CH_STRIDE, config->stride);
	ch_write(ch, CMACAM_CH_SIZE_LIMIT, config->size);
	ch_write(ch, CMACAM_CH_RING_LO, lower_32_bits(ch->ring_dma));
	ch_write(ch, CMACAM_CH_RING_HI, upper_32_bits(ch->ring_dma));
	ch_write(ch, CMACAM_CH_RING_ENTRIES, engine->ring_entries);
	ch_write(ch, CMACAM_CH_INT_STATUS, CMACAM_CH_INT_ALL);

	guard(spinlock_irqsave)(&engine->lock);

	/* Linked channels that waited for this one begin with it. */
	if (ch->index == CMACAM_CH_MAIN)
		for (i = 0; i < engine->num_channels; i++)
			engine->channels[i].synced &=
				!engine->channels[i].linked;

	ch->linked = config->linked;
	ch->synced = !ch->linked;
	ch->ring_head = 0;
	ch->outstanding = 0;
	ch->taken = 0;
	ch->lost = 0;
	ch->next = ch_base(ch);
	ch->started = true;
	ch->running = true;
	ch_write(ch, CMACAM_CH_INT_ENABLE, channel_int_mask(ch));
	channel_follow_trace(ch);
	engine_allow_irq(ch, true);

	/* Addresses first, so that frame 0 finds one. */
	engine->client->refill(ch);

	if (ch->linked)
		ctrl |= CMACAM_CH_CTRL_LINK;
	ch_write(ch, CMACAM_CH_CTRL, ctrl);
	ch->unchecked = true;

	return 0;
}

static const struct cmacam_engine_ops engine_ops = {
	.start = channel_start,
	.stop = channel_stop,
	.queue = channel_queue,
	.watch_start = channel_watch_start,
};

/* -----------------------------------------------------------------------------
 * What the engine can do and what it needs: found, made, undone
 */

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

	engine->ops = &engine_ops;
	engine->client = client;
	engine->dev = dev;
	engine->regs = regs;
	engine->irq = irq;
	engine->isolate = isolate;
	mutex_init(&engine->setup);
	spin_lock_init(&engine->lock);
	INIT_DELAYED_WORK(&engine->service, engine_service);

	ret = engine_read_caps(engine);
	if (ret)
		return ret;

	ret = engine_reset(engine);
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
	ret = request_irq(irq, engine_irq, 0, dev_name(dev), engine);
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
