/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Conversion of the start times of frames from the board's clock to
 * CLOCK_MONOTONIC. This code accesses no registers. The owner of the clock
 * serialises all calls.
 */
#ifndef CMACAM_ENGINE_CLOCK_H
#define CMACAM_ENGINE_CLOCK_H

#include <linux/types.h>

/**
 * struct cmacam_stamp - start of a frame, on both clocks
 * @board: time of the board's clock, ns
 * @host: time of CLOCK_MONOTONIC, ns
 */
struct cmacam_stamp {
	u64 board;
	u64 host;
};

/**
 * struct cmacam_clock - a board's clock
 * @offset: CLOCK_MONOTONIC minus the board's clock, ns; set by the owner of the
 *	clock
 * @stamps: ring of the start times of the last frames
 * @size: number of entries of @stamps
 * @num_stamps: number of stamps that were added since the last
 *	cmacam_clock_forget()
 * @last_host: start time of the newest frame whose time was converted,
 *	CLOCK_MONOTONIC, ns
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
