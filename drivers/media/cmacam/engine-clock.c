// SPDX-License-Identifier: GPL-2.0-only
/*
 * The board's clock, seen from ours.
 */
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/minmax.h>

#include "engine.h"

#define CLOCK_BRACKETS		4

/**
 * cmacam_engine_read_clock() - find out how far the clocks are apart
 * @engine: the engine
 *
 * Brackets a reading of the board's clock by two of ours. The tightest bracket
 * was interrupted least and leaves the smallest doubt. Process context.
 */
void cmacam_engine_read_clock(struct cmacam_engine *engine)
{
	u64 best = U64_MAX;
	s64 offset = 0;
	int i;

	for (i = 0; i < CLOCK_BRACKETS; i++) {
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

/**
 * cmacam_engine_restart_clock() - forget frames of a time gone by
 * @engine: the engine, with no channel started
 *
 * The board may have been without power, and its clock have started over.
 */
void cmacam_engine_restart_clock(struct cmacam_engine *engine)
{
	scoped_guard(spinlock_irqsave, &engine->lock)
		engine->num_stamps = 0;

	cmacam_engine_read_clock(engine);
}

static struct cmacam_stamp *stamp_at(struct cmacam_engine *engine,
				     unsigned int i)
{
	return &engine->stamps[i % engine->ring_entries];
}

/**
 * cmacam_engine_timestamp() - convert the start of a frame
 * @engine: the engine, with its lock held
 * @board: the board's time, ns
 *
 * Never in the future, never behind the frame before: users subtract. And the
 * same for one frame on every channel: users compare. So the result is kept,
 * for the offset may be another when the frame comes in on the next channel.
 * No channel can have more frames unread than there are stamps, and all of them
 * are drained by the same interrupt.
 *
 * Return: CLOCK_MONOTONIC, ns
 */
u64 cmacam_engine_timestamp(struct cmacam_engine *engine, u64 board)
{
	unsigned int oldest = engine->num_stamps -
			      min(engine->num_stamps, engine->ring_entries);
	unsigned int place = engine->num_stamps;
	unsigned int i;
	u64 host;

	lockdep_assert_held(&engine->lock);

	/* A frame that an earlier channel has lost may not be the newest. */
	while (place > oldest && stamp_at(engine, place - 1)->board > board)
		place--;
	if (place > oldest && stamp_at(engine, place - 1)->board == board)
		return stamp_at(engine, place - 1)->host;

	host = min(board + engine->clock_offset, ktime_get_ns());
	if (place > oldest)
		host = max(host, stamp_at(engine, place - 1)->host + 1);
	else if (place == engine->num_stamps)
		host = max(host, engine->last_host + 1);
	if (place < engine->num_stamps)
		host = min(host, stamp_at(engine, place)->host - 1);
	/* Older than all that is remembered: nobody can ask again. */
	if (oldest && place == oldest)
		return host;

	for (i = engine->num_stamps; i > place; i--)
		*stamp_at(engine, i) = *stamp_at(engine, i - 1);
	*stamp_at(engine, place) = (struct cmacam_stamp) { board, host };
	engine->num_stamps++;
	engine->last_host = max(engine->last_host, host);

	return host;
}
