// SPDX-License-Identifier: GPL-2.0-only
/*
 * News of the engine: those that interrupts bring, and those that only a look
 * finds.
 */
#include <linux/bitops.h>
#include <linux/dev_printk.h>

#include "engine-priv.h"

#define ENGINE_CLOCK_RUNS	10	/* the clock once per second */

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
	cmacam_channel_drain(ch);

	if (status & CMACAM_CH_INT_FRAME_START) {
		if (ch->watch)
			ch->engine->client->frame_start(ch, ch_base(ch) +
				channel_started_sequence(ch));
		if (ch->caps.depth == 1)
			channel_count_taken(ch);
	}

	if (status & CMACAM_CH_INT_DROP)
		cmacam_channel_count_dropped(ch);
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
		cmacam_channel_count_dropped(ch);
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

		if (ch_needs_causes(ch)) {
			channel_irq_by_cause(ch);
		} else if (cmacam_channel_has_entry(ch)) {
			/*
			 * Acknowledge first: an entry that is written after
			 * the drain has looked then raises a new interrupt.
			 */
			ch_write(ch, CMACAM_CH_INT_STATUS, CMACAM_CH_INT_ALL);
			cmacam_channel_drain(ch);
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
			cmacam_channel_drain(ch);
			channel_check_enabled(ch);
			cmacam_channel_follow_trace(ch);
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
