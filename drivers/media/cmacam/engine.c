// SPDX-License-Identifier: GPL-2.0-only
/*
 * The register-level DMA engine: address FIFO in, completion ring out, for
 * each channel.
 */
#include <linux/dev_printk.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>

#include "engine-priv.h"

#define ENGINE_IDLE_TIMEOUT_US	(3 * USEC_PER_SEC)

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

/**
 * cmacam_channel_follow_trace() - watch starts of frames while they are traced
 * @ch: the channel, with the engine's lock held
 */
void cmacam_channel_follow_trace(struct cmacam_channel *ch)
{
	bool on = ch->engine->client->traces_start();

	if (on == ch->traced)
		return;

	ch->traced = on;
	channel_count_watch(ch, on);
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
	cmacam_channel_drain(ch);
	cmacam_channel_count_dropped(ch);
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
	cmacam_channel_follow_trace(ch);
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
