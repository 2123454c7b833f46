// SPDX-License-Identifier: GPL-2.0-only
/*
 * The board's clock, seen from ours.
 */
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "engine-clock.h"

/**
 * cmacam_clock_init() - a clock of which nothing is known yet
 * @clock: the clock, zeroed
 * @size: number of starts of frames that it remembers
 *
 * Return: 0 or -ENOMEM, after which it needs no cmacam_clock_free()
 */
int cmacam_clock_init(struct cmacam_clock *clock, unsigned int size)
{
	clock->stamps = kzalloc_objs(*clock->stamps, size);
	clock->size = size;

	return clock->stamps ? 0 : -ENOMEM;
}

/**
 * cmacam_clock_free() - it is not asked any more
 * @clock: the clock
 */
void cmacam_clock_free(struct cmacam_clock *clock)
{
	kfree(clock->stamps);
}

/**
 * cmacam_clock_forget() - forget frames of a time gone by
 * @clock: the clock
 */
void cmacam_clock_forget(struct cmacam_clock *clock)
{
	clock->num_stamps = 0;
}

static struct cmacam_stamp *stamp_at(const struct cmacam_clock *clock,
				     unsigned int i)
{
	return &clock->stamps[i % clock->size];
}

/**
 * cmacam_clock_convert() - convert the start of a frame
 * @clock: the clock
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
u64 cmacam_clock_convert(struct cmacam_clock *clock, u64 board)
{
	unsigned int oldest = clock->num_stamps -
			      min(clock->num_stamps, clock->size);
	unsigned int place = clock->num_stamps;
	unsigned int i;
	u64 host;

	/* A frame that an earlier channel has lost may not be the newest. */
	while (place > oldest && stamp_at(clock, place - 1)->board > board)
		place--;
	if (place > oldest && stamp_at(clock, place - 1)->board == board)
		return stamp_at(clock, place - 1)->host;

	host = min(board + clock->offset, ktime_get_ns());
	if (place > oldest)
		host = max(host, stamp_at(clock, place - 1)->host + 1);
	else if (place == clock->num_stamps)
		host = max(host, clock->last_host + 1);
	if (place < clock->num_stamps)
		host = min(host, stamp_at(clock, place)->host - 1);
	/* Older than all that is remembered: nobody can ask again. */
	if (oldest && place == oldest)
		return host;

	for (i = clock->num_stamps; i > place; i--)
		*stamp_at(clock, i) = *stamp_at(clock, i - 1);
	*stamp_at(clock, place) = (struct cmacam_stamp) { board, host };
	clock->num_stamps++;
	clock->last_host = max(clock->last_host, host);

	return host;
}
