/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The board's clock, seen from ours: when a frame started, on CLOCK_MONOTONIC.
 * Knows no registers. Its owner serialises all calls.
 */
#ifndef CMACAM_ENGINE_CLOCK_H
#define CMACAM_ENGINE_CLOCK_H

#include <linux/types.h>

/**
 * struct cmacam_stamp - when a frame started
 * @board: in the board's time, ns
 * @host: CLOCK_MONOTONIC, ns
 */
struct cmacam_stamp {
	u64 board;
	u64 host;
};

/**
 * struct cmacam_clock - a board's clock
 * @offset: CLOCK_MONOTONIC minus the board's clock, ns; set by its owner
 * @stamps: starts of the last frames, used in turn
 * @size: number of @stamps
 * @num_stamps: number of starts since the last cmacam_clock_forget()
 * @last_host: the newest of them all
 */
struct cmacam_clock {
	s64 offset;
	struct cmacam_stamp *stamps;
	unsigned int size;
	unsigned int num_stamps;
	u64 last_host;
};

int cmacam_clock_init(struct cmacam_clock *clock, unsigned int size);
void cmacam_clock_free(struct cmacam_clock *clock);
void cmacam_clock_forget(struct cmacam_clock *clock);
u64 cmacam_clock_convert(struct cmacam_clock *clock, u64 board);

#endif
