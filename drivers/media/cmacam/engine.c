// SPDX-License-Identifier: GPL-2.0-only
/*
 * The DMA engine with an address FIFO in and a completion ring out for each
 * channel. No other file touches its registers (docs/registers.md).
 */
#include <linux/bitops.h>
#include <linux/delay.h>
#include <linux/dev_printk.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <asm/barrier.h>

#include "cmacam-regs.h"
#include "engine-clock.h"
#include "engine.h"

#define ENGINE_RING_MIN		64
#define ENGINE_RESET_TIMEOUT_US	(USEC_PER_SEC / 2)
#define ENGINE_IDLE_TIMEOUT_US	(3 * USEC_PER_SEC)
#define ENGINE_GONE_MS		100	/* between two reads without answer */
#define ENGINE_SERVICE_MS	100
#define ENGINE_CLOCK_RUNS	10	/* the clock once per second */
#define ENGINE_CLOCK_BRACKETS	4

#define CMACAM_CH_INT_ALL	(CMACAM_CH_INT_FRAME_START | \
				 CMACAM_CH_INT_FRAME_DONE | \
				 CMACAM_CH_INT_DROP | \
				 CMACAM_CH_INT_FIFO_OVERFLOW | \
				 CMACAM_CH_INT_CONFIG)

#define CMACAM_DONE_ERRORS	(CMACAM_DONE_BUS_ERROR | CMACAM_DONE_LIMIT | \
				 CMACAM_DONE_SHORT)

/**
 * struct fifo_channel - what this engine knows of a channel
 * @synced: &cmacam_channel.next is known
 * @unchecked: not asked yet whether it has really started
 * @traced: the trace event of starts of frames is counted in
 *	&cmacam_channel.watch
 * @lost: frames since start
 * @outstanding: addresses queued whose frames are not finished
 * @taken: those of them known to have left the FIFO
 * @ring: completion ring
 * @ring_dma: where the board sees it
 * @ring_head: entry that the board writes next
 *
 * What can change is guarded by &cmacam_engine.lock.
 */
struct fifo_channel {
	bool synced;
	bool unchecked;
	bool traced;
	u32 lost;
	unsigned int outstanding;
	unsigned int taken;

	struct cmacam_completion *ring;
	dma_addr_t ring_dma;
	unsigned int ring_head;
};

/**
 * struct fifo_engine - what this engine keeps from init to cleanup
 * @engine: the engine
 * @channels: of each channel
 * @ring_entries: size of each completion ring
 * @setup: serialises start and stop; guards @users and @broken
 * @users: channels started
 * @broken: was cut off and stays so until the driver is bound again
 * @irq_enable: channels that may interrupt; &cmacam_engine.lock
 * @clock: the board's; &cmacam_engine.lock
 * @service: looks after the clock, and after interrupts that got lost
 * @service_runs: since the first channel started
 */
struct fifo_engine {
	struct cmacam_engine *engine;
	struct fifo_channel channels[CMACAM_CH_COUNT];
	unsigned int ring_entries;

	struct mutex setup; /* see the kernel-doc above */
	unsigned int users;
	bool broken;

	u32 irq_enable;
	struct cmacam_clock clock;

	struct delayed_work service;
	unsigned int service_runs;
};

static struct fifo_channel *to_fifo(const struct cmacam_channel *ch)
{
	struct fifo_engine *fifo = ch->engine->priv;

	return &fifo->channels[ch->index];
}

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
 * Starts of frames, for those who want to be notified
 */

static u32 channel_int_mask(const struct cmacam_channel *ch)
{
	u32 mask = CMACAM_CH_INT_FRAME_DONE | CMACAM_CH_INT_DROP;

	if (ch_needs_causes(ch))
		mask |= CMACAM_CH_INT_FRAME_START;

	return mask;
}

/* Also called after the cleanup, when no channel runs and priv is gone. */
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
	struct fifo_channel *fc = to_fifo(ch);
	bool on = ch->engine->client->traces_start();

	if (on == fc->traced)
		return;

	fc->traced = on;
	channel_count_watch(ch, on);
}

/* -----------------------------------------------------------------------------
 * Clock
 */

/*
 * Brackets a reading of the board's clock by two of ours. The tightest bracket
 * was interrupted least and leaves the smallest doubt. Process context.
 */
static void engine_read_clock(struct cmacam_engine *engine)
{
	struct fifo_engine *fifo = engine->priv;
	u64 best = U64_MAX;
	s64 offset = 0;
	int i;

	for (i = 0; i < ENGINE_CLOCK_BRACKETS; i++) {
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
	fifo->clock.offset = offset;
}

/* The board may have been without power, and its clock have started over. */
static void engine_restart_clock(struct cmacam_engine *engine)
{
	struct fifo_engine *fifo = engine->priv;

	scoped_guard(spinlock_irqsave, &engine->lock)
		cmacam_clock_forget(&fifo->clock);

	engine_read_clock(engine);
}

/* -----------------------------------------------------------------------------
 * Completion ring: what became of the frames
 */

static void channel_lose(struct cmacam_channel *ch, u32 first, u32 count)
{
	struct fifo_channel *fc = to_fifo(ch);

	ch->next = first + count;
	fc->lost += count;
	dev_dbg(ch->engine->dev,
		"channel %u: %u frames lost from number %u on, %u since the start\n",
		ch->index, count, first, fc->lost);
	ch->engine->client->frames_lost(ch, first, count);
}

static void channel_complete(struct cmacam_channel *ch,
			     const struct cmacam_completion *entry)
{
	struct fifo_engine *fifo = ch->engine->priv;
	struct fifo_channel *fc = to_fifo(ch);
	u32 flags = le32_to_cpu(entry->flags);
	struct cmacam_frame frame = {
		.addr = le64_to_cpu(entry->addr),
		.bytes = le32_to_cpu(entry->bytes),
		.meta = {
			.version = CMACAM_META_VERSION,
			.sequence = ch_base(ch) + le32_to_cpu(entry->sequence),
			.flags = flags & CMACAM_DONE_ERRORS ?
				 CMACAM_META_FLAG_ERROR : 0,
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
			.sharpness = le32_to_cpu(entry->sharpness),
		},
	};
	/*
	 * Not the gap in the sequence numbers: those of a linked channel are
	 * the main channel's, which may have run before or start over.
	 */
	s32 missing = le32_to_cpu(entry->dropped) - fc->lost;
	unsigned int used;

	frame.meta.timestamp = cmacam_clock_convert(&fifo->clock,
						    le64_to_cpu(entry->time));

	if (missing > 0)
		channel_lose(ch, frame.meta.sequence - missing, missing);
	ch->next = frame.meta.sequence + 1;
	fc->synced = true;

	used = ch->engine->client->frame_done(ch, &frame);
	fc->outstanding -= min(used, fc->outstanding);
	fc->taken -= min(used, fc->taken);
}

/* Whether the ring has an entry that was not read. */
static bool channel_has_entry(const struct cmacam_channel *ch)
{
	const struct fifo_channel *fc = to_fifo(ch);
	const struct cmacam_completion *slot = &fc->ring[fc->ring_head];

	return le32_to_cpu(READ_ONCE(slot->owner)) & CMACAM_DONE_OWNER;
}

/* Hand out all frames that are finished. */
static void channel_drain(struct cmacam_channel *ch)
{
	const struct fifo_engine *fifo = ch->engine->priv;
	struct fifo_channel *fc = to_fifo(ch);
	bool found = false;

	lockdep_assert_held(&ch->engine->lock);

	while (channel_has_entry(ch)) {
		struct cmacam_completion *slot = &fc->ring[fc->ring_head];
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

		fc->ring_head = (fc->ring_head + 1) % fifo->ring_entries;
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
	const struct fifo_channel *fc = to_fifo(ch);
	u32 dropped = ch_read(ch, CMACAM_CH_DROPPED);
	s32 missing;

	if (dropped == U32_MAX)
		return;

	channel_drain(ch);
	if (!fc->synced && ch->running)
		return;

	missing = dropped - fc->lost;
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
	struct fifo_channel *fc = to_fifo(ch);
	u32 space = ch_read(ch, CMACAM_CH_FIFO_SPACE);
	u32 waiting;

	if (space > ch->caps.depth)
		return;

	waiting = ch->caps.depth - space;
	if (waiting < fc->outstanding)
		fc->taken = fc->outstanding - waiting;
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

/*
 * The order in which the rings are looked at. The statistics come first: a
 * program that has the main channel's frame then finds the statistics of the
 * same frame. The main channel comes before those that are linked with it: its
 * frame is handed out before theirs.
 */
static struct cmacam_channel *engine_nth(struct cmacam_engine *engine,
					 unsigned int n)
{
	unsigned int last = engine->num_channels - 1;

	if (last < CMACAM_CH_STATS)
		return &engine->channels[n];

	return &engine->channels[n ? n - 1 : CMACAM_CH_STATS];
}

/* An interrupt that brought a channel no frame may be about a loss there. */
static void engine_find_losses(struct cmacam_engine *engine, u32 without)
{
	const struct fifo_engine *fifo = engine->priv;
	u32 pending = without;
	unsigned int i;

	/* One that waits for another channel's frames is not worth a read. */
	if (hweight32(fifo->irq_enable) > 1)
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
 * memory.
 */
static irqreturn_t engine_irq(int irq, void *data)
{
	struct cmacam_engine *engine = data;
	u32 without = 0;
	unsigned int i;

	guard(spinlock_irqsave)(&engine->lock);

	for (i = 0; i < engine->num_channels; i++) {
		struct cmacam_channel *ch = engine_nth(engine, i);

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
			without |= BIT(ch->index);
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
	struct fifo_channel *fc = to_fifo(ch);

	if (!fc->unchecked)
		return;

	fc->unchecked = false;
	if (ch_read(ch, CMACAM_CH_CTRL) & CMACAM_CH_CTRL_EN)
		return;

	dev_err(ch->engine->dev, "the board refuses to start channel %u\n",
		ch->index);
	ch->engine->client->failed(ch);
}

/*
 * A board that is not there reads as all ones, which is not an identification.
 * But a single read also returns all ones if its answer is lost or comes too
 * late, and the camera must survive this. So only two such reads, with some
 * time between them, mean that the board is gone. Process context.
 */
static bool engine_is_gone(const struct cmacam_engine *engine)
{
	if (readl(engine->regs + CMACAM_ID) != U32_MAX)
		return false;

	msleep(ENGINE_GONE_MS);

	return readl(engine->regs + CMACAM_ID) == U32_MAX;
}

static void engine_look_after(struct cmacam_engine *engine)
{
	struct fifo_engine *fifo = engine->priv;
	unsigned int i;

	scoped_guard(spinlock_irqsave, &engine->lock) {
		for (i = 0; i < engine->num_channels; i++) {
			struct cmacam_channel *ch = engine_nth(engine, i);

			if (!ch->running)
				continue;
			channel_drain(ch);
			channel_check_enabled(ch);
			channel_follow_trace(ch);
		}
	}

	if (++fifo->service_runs % ENGINE_CLOCK_RUNS == 0)
		engine_read_clock(engine);
}

/*
 * Look after what no interrupt reports. The next interrupt makes up for one
 * that got lost, but there is none if the board has run out of addresses; to
 * look at the ring is cheap. A board that was torn out, lost its power or has
 * crashed says nothing at all.
 */
static void engine_service(struct work_struct *work)
{
	struct fifo_engine *fifo =
		container_of(work, struct fifo_engine, service.work);
	struct cmacam_engine *engine = fifo->engine;

	if (engine_is_gone(engine))
		engine->gone(engine);
	else
		engine_look_after(engine);

	schedule_delayed_work(&fifo->service,
			      msecs_to_jiffies(ENGINE_SERVICE_MS));
}

/* -----------------------------------------------------------------------------
 * Channels: addresses, start and stop
 */

static bool channel_queue(struct cmacam_channel *ch, dma_addr_t addr)
{
	struct fifo_channel *fc = to_fifo(ch);

	lockdep_assert_held(&ch->engine->lock);

	if (!ch->running || fc->outstanding - fc->taken >= ch->caps.depth)
		return false;

	/* The second write commits. */
	ch_write(ch, CMACAM_CH_ADDR_HI, upper_32_bits(addr));
	ch_write(ch, CMACAM_CH_ADDR_LO, lower_32_bits(addr));
	fc->outstanding++;

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

/* Only the next init, which resets the board, lets the board back in. */
static void engine_isolate(struct cmacam_engine *engine)
{
	struct fifo_engine *fifo = engine->priv;

	lockdep_assert_held(&fifo->setup);

	engine->isolate(engine->dev, true);
	fifo->broken = true;
}

/* Called if a channel does not become idle by itself. */
static void engine_force_idle(struct cmacam_engine *engine)
{
	engine_fail_others(engine);
	if (!engine_reset(engine)) {
		engine->was_reset(engine);
		return;
	}

	dev_err(engine->dev,
		"the board does not reset; its DMA and interrupts are switched off\n");
	engine_isolate(engine);
}

/*
 * The buffers go back to their users after this, so the board must not write
 * to them any more, whatever state it is in.
 *
 * The bit IDLE is also set in a status of all ones, but all ones are not an
 * answer. Either the board has left the bus and cannot write any more, or it
 * still writes frames while its registers are out of reach, for example because
 * a bridge in front of the registers hangs. In the second case the board has
 * not received the request to stop. The driver cannot distinguish the two
 * cases, so it isolates each board that does not answer.
 */
static void channel_wait_idle(struct cmacam_channel *ch)
{
	struct cmacam_engine *engine = ch->engine;
	u32 status;
	int ret;

	ret = readl_poll_timeout(ch_reg(ch, CMACAM_CH_STATUS), status,
				 status == U32_MAX ?
				 engine_is_gone(engine) :
				 (status & CMACAM_CH_STATUS_IDLE),
				 1000, ENGINE_IDLE_TIMEOUT_US);
	if (ret) {
		dev_err(engine->dev,
			"channel %u does not stop; resetting the board\n",
			ch->index);
		engine_force_idle(engine);
	} else if (status == U32_MAX) {
		engine_isolate(engine);
		engine->gone(engine);
	}
}

static void engine_allow_irq(struct cmacam_channel *ch, bool on)
{
	struct cmacam_engine *engine = ch->engine;
	struct fifo_engine *fifo = engine->priv;

	lockdep_assert_held(&engine->lock);

	if (on)
		fifo->irq_enable |= BIT(ch->index);
	else
		fifo->irq_enable &= ~BIT(ch->index);
	writel(fifo->irq_enable, engine->regs + CMACAM_IRQ_ENABLE);
}

static void channel_stop(struct cmacam_channel *ch)
{
	struct cmacam_engine *engine = ch->engine;
	struct fifo_engine *fifo = engine->priv;
	struct fifo_channel *fc = to_fifo(ch);

	guard(mutex)(&fifo->setup);

	/*
	 * After a failed resume, the client ends a stream whose channel was
	 * stopped before. @started only changes with @setup held.
	 */
	if (!ch->started)
		return;

	if (!--fifo->users)
		cancel_delayed_work_sync(&fifo->service);

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
	fc->outstanding = 0;
	fc->taken = 0;
}

static int channel_start(struct cmacam_channel *ch,
			 const struct cmacam_engine_config *config)
{
	struct cmacam_engine *engine = ch->engine;
	struct fifo_engine *fifo = engine->priv;
	struct fifo_channel *fc = to_fifo(ch);
	u32 ctrl = CMACAM_CH_CTRL_EN;
	unsigned int i;

	guard(mutex)(&fifo->setup);

	if (fifo->broken)
		return -EIO;

	if (!fifo->users++) {
		engine_restart_clock(engine);
		fifo->service_runs = 0;
		schedule_delayed_work(&fifo->service,
				      msecs_to_jiffies(ENGINE_SERVICE_MS));
	}

	memset(fc->ring, 0, fifo->ring_entries * sizeof(*fc->ring));

	ch_write(ch, CMACAM_CH_WIDTH, config->width);
	ch_write(ch, CMACAM_CH_HEIGHT, config->height);
	ch_write(ch, CMACAM_CH_FORMAT, config->code);
	ch_write(ch, CMACAM_CH_STRIDE, config->stride);
	ch_write(ch, CMACAM_CH_SIZE_LIMIT, config->size);
	ch_write(ch, CMACAM_CH_RING_LO, lower_32_bits(fc->ring_dma));
	ch_write(ch, CMACAM_CH_RING_HI, upper_32_bits(fc->ring_dma));
	ch_write(ch, CMACAM_CH_RING_ENTRIES, fifo->ring_entries);
	ch_write(ch, CMACAM_CH_INT_STATUS, CMACAM_CH_INT_ALL);

	guard(spinlock_irqsave)(&engine->lock);

	/* Linked channels that waited for this one begin with it. */
	if (ch->index == CMACAM_CH_MAIN)
		for (i = 0; i < engine->num_channels; i++)
			fifo->channels[i].synced &=
				!engine->channels[i].linked;

	ch->linked = config->linked;
	fc->synced = !ch->linked;
	fc->ring_head = 0;
	fc->outstanding = 0;
	fc->taken = 0;
	fc->lost = 0;
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
	fc->unchecked = true;

	return 0;
}

/* -----------------------------------------------------------------------------
 * What the engine can do and what it needs: found, made, undone
 */

static int engine_check_version(struct cmacam_engine *engine)
{
	u32 id = readl(engine->regs + CMACAM_ID);

	if (id != CMACAM_ID_MAGIC)
		return dev_err_probe(engine->dev, -ENODEV,
				     "this is not a cmacam board: identification 0x%08x\n",
				     id);

	engine->version = readl(engine->regs + CMACAM_VERSION);
	if (engine->version >> 16 != CMACAM_VERSION_MAJOR)
		return dev_err_probe(engine->dev, -ENODEV,
				     "the board has register version %u.%u, this driver needs %u.x\n",
				     engine->version >> 16,
				     engine->version & 0xffff,
				     CMACAM_VERSION_MAJOR);

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

		ch->caps = common;
		ch->caps.formats = ch_read(ch, CMACAM_CH_FORMATS) &
				   (BIT(CMACAM_FMT_COUNT) - 1);
	}

	if (!engine->num_channels || !common.depth || bits < 32 || bits > 64)
		return dev_err_probe(engine->dev, -ENODEV,
				     "unusable capabilities 0x%08x\n", caps);

	dev_dbg(engine->dev,
		"%u channels, FIFO of %u addresses, addresses of %u bits aligned to %u bytes, strides aligned to %u bytes and at most %u bytes\n",
		engine->num_channels, common.depth, bits, common.addr_align,
		common.stride_align, common.max_stride);

	return 0;
}

static size_t rings_size(const struct cmacam_engine *engine)
{
	const struct fifo_engine *fifo = engine->priv;

	return (size_t)engine->num_channels * fifo->ring_entries *
	       sizeof(struct cmacam_completion);
}

static void engine_free_memory(struct cmacam_engine *engine)
{
	struct fifo_engine *fifo = engine->priv;
	struct fifo_channel *first = &fifo->channels[0];

	if (first->ring)
		dma_free_coherent(engine->dev, rings_size(engine), first->ring,
				  first->ring_dma);
	cmacam_clock_free(&fifo->clock);
	mutex_destroy(&fifo->setup);
	kfree(fifo);
	engine->priv = NULL;
}

/* The rings follow each other in one piece. */
static int engine_alloc_memory(struct cmacam_engine *engine)
{
	u32 depth = engine->channels[0].caps.depth;
	struct cmacam_completion *ring;
	struct fifo_engine *fifo;
	dma_addr_t dma;
	unsigned int i;

	static_assert(sizeof(*ring) == 128);

	fifo = kzalloc_obj(*fifo);
	if (!fifo)
		return -ENOMEM;

	engine->priv = fifo;
	fifo->engine = engine;
	mutex_init(&fifo->setup);
	INIT_DELAYED_WORK(&fifo->service, engine_service);

	/* More entries than frames can be unread: never full. */
	fifo->ring_entries = max(ENGINE_RING_MIN,
				 roundup_pow_of_two(depth + 2));

	if (cmacam_clock_init(&fifo->clock, fifo->ring_entries))
		goto err_free;

	ring = dma_alloc_coherent(engine->dev, rings_size(engine), &dma,
				  GFP_KERNEL);
	if (!ring)
		goto err_free;

	for (i = 0; i < engine->num_channels; i++) {
		fifo->channels[i].ring = ring + i * fifo->ring_entries;
		fifo->channels[i].ring_dma = dma + i * fifo->ring_entries *
						   sizeof(*ring);
	}

	return 0;

err_free:
	engine_free_memory(engine);
	return -ENOMEM;
}

static int engine_init(struct cmacam_engine *engine)
{
	struct device *dev = engine->dev;
	unsigned int bits;
	int ret;

	ret = engine_check_version(engine);
	if (ret)
		return ret;

	ret = engine_read_caps(engine);
	if (ret)
		return ret;

	ret = engine_reset(engine);
	if (ret)
		return dev_err_probe(dev, ret, "the board does not reset\n");

	/*
	 * Not before the reset: a board that was isolated because it did not
	 * stop still has the addresses of frames whose memory is now used for
	 * something else.
	 */
	engine->isolate(dev, false);

	bits = engine->channels[0].caps.addr_bits;
	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(bits));
	if (ret)
		return dev_err_probe(dev, ret,
				     "cannot set a DMA mask of %u bits\n",
				     bits);
	/* A frame is one segment. */
	dma_set_max_seg_size(dev, UINT_MAX);

	ret = engine_alloc_memory(engine);
	if (ret)
		return ret;

	/* Each board has a line of its own in /proc/interrupts. */
	ret = request_irq(engine->irq, engine_irq, 0, dev_name(dev), engine);
	if (ret)
		engine_free_memory(engine);

	return ret;
}

static void engine_cleanup(struct cmacam_engine *engine)
{
	free_irq(engine->irq, engine);
	engine_free_memory(engine);
}

const struct cmacam_engine_ops cmacam_fifo_engine = {
	.init = engine_init,
	.cleanup = engine_cleanup,
	.start = channel_start,
	.stop = channel_stop,
	.queue = channel_queue,
	.watch_start = channel_watch_start,
};
