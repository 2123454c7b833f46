// SPDX-License-Identifier: GPL-2.0-only
/*
 * The register-level DMA engine: address FIFO in, completion ring out, for
 * each channel.
 */
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>

#include "engine-regs.h"

#define ENGINE_SERVICE_MS	100
#define ENGINE_CLOCK_RUNS	10	/* the clock once per second */
#define ENGINE_IDLE_TIMEOUT_US	(3 * USEC_PER_SEC)

#define ENGINE_INT_ALL		(CMACAM_CH_INT_FRAME_START | \
				 CMACAM_CH_INT_FRAME_DONE | \
				 CMACAM_CH_INT_DROP | \
				 CMACAM_CH_INT_FIFO_OVERFLOW | \
				 CMACAM_CH_INT_CONFIG)

/* A linked channel counts as the main channel does, all the way. */
static u32 channel_base(const struct cmacam_channel *ch)
{
	return ch->linked ? ch->engine->channels[CMACAM_CH_MAIN].base :
			    ch->base;
}

static void channel_lose(struct cmacam_channel *ch, u32 first, u32 count)
{
	ch->next = first + count;
	ch->lost += count;
	ch->engine->client->frames_lost(ch, first, count);
}

static void channel_complete(struct cmacam_channel *ch,
			     const struct cmacam_completion *entry)
{
	struct cmacam_frame frame = {
		.addr = le64_to_cpu(entry->addr),
		.sequence = channel_base(ch) + le32_to_cpu(entry->sequence),
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

static bool channel_has_entry(const struct cmacam_channel *ch)
{
	const struct cmacam_completion *slot = &ch->ring[ch->ring_head];

	return le32_to_cpu(READ_ONCE(slot->owner)) & CMACAM_DONE_OWNER;
}

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
 * The board tells how many frames it has lost. Entries that it wrote before
 * the last of those are visible once the read has returned, so what the drain
 * leaves unexplained was lost after the newest finished frame.
 *
 * A linked channel learns from its first frame where the main channel is. What
 * it lost until then is told with that frame, or at the end.
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

/* Does it matter what an interrupt is about, beside a finished frame? */
static bool channel_needs_causes(const struct cmacam_channel *ch)
{
	return ch->watch || ch->caps.depth == 1;
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
			ch->engine->client->frame_start(ch, channel_base(ch) +
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
		ch_write(ch, CMACAM_CH_INT_STATUS, ENGINE_INT_ALL);
		channel_count_dropped(ch);
	}
}

/**
 * cmacam_engine_irq() - the board has news, of any channel
 * @irq: its interrupt
 * @data: the engine
 *
 * Reading a register costs more than all the rest of this handler; finished
 * frames are learnt from the rings, in memory. The main channel comes first,
 * so that where channels are linked its frame is handed out first.
 *
 * Return: IRQ_HANDLED
 */
irqreturn_t cmacam_engine_irq(int irq, void *data)
{
	struct cmacam_engine *engine = data;
	u32 without = 0;
	unsigned int i;

	guard(spinlock_irqsave)(&engine->lock);

	for (i = 0; i < engine->num_channels; i++) {
		struct cmacam_channel *ch = &engine->channels[i];

		if (!ch->running)
			continue;

		if (channel_needs_causes(ch)) {
			channel_irq_by_cause(ch);
		} else if (channel_has_entry(ch)) {
			/*
			 * Acknowledge first: an entry that is written after
			 * the drain has looked then raises a new interrupt.
			 */
			ch_write(ch, CMACAM_CH_INT_STATUS, ENGINE_INT_ALL);
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
		}
	}

	if (++engine->service_runs % ENGINE_CLOCK_RUNS == 0)
		cmacam_engine_read_clock(engine);
}

/**
 * cmacam_engine_service() - look after what no interrupt may tell
 * @work: of the engine
 *
 * An interrupt that got lost would be made up for by the next one, but there
 * is none if the board has run out of addresses. Looking at the ring is cheap.
 * Nor does a board say so that was torn out, lost its power or has crashed.
 */
void cmacam_engine_service(struct work_struct *work)
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

static u32 channel_int_mask(const struct cmacam_channel *ch)
{
	u32 mask = CMACAM_CH_INT_FRAME_DONE | CMACAM_CH_INT_DROP;

	if (channel_needs_causes(ch))
		mask |= CMACAM_CH_INT_FRAME_START;

	return mask;
}

static void channel_watch_start(struct cmacam_channel *ch, bool on)
{
	guard(spinlock_irqsave)(&ch->engine->lock);

	ch->watch += on ? 1 : -1;
	if (ch->running)
		ch_write(ch, CMACAM_CH_INT_ENABLE, channel_int_mask(ch));
}

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
	if (!cmacam_engine_reset(engine))
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
	ch_write(ch, CMACAM_CH_INT_STATUS, ENGINE_INT_ALL);

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
	ch->next = channel_base(ch);
	ch->started = true;
	ch->running = true;
	ch_write(ch, CMACAM_CH_INT_ENABLE, channel_int_mask(ch));
	engine_allow_irq(ch, true);

	/* Addresses first, so that frame 0 finds one. */
	engine->client->refill(ch);

	if (ch->linked)
		ctrl |= CMACAM_CH_CTRL_LINK;
	ch_write(ch, CMACAM_CH_CTRL, ctrl);
	ch->unchecked = true;

	return 0;
}

const struct cmacam_engine_ops cmacam_engine_ops = {
	.start = channel_start,
	.stop = channel_stop,
	.queue = channel_queue,
	.watch_start = channel_watch_start,
};
