/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DMA engine as the capture node sees it: start, stop, queue an address,
 * hear of finished frames. Another kind of engine is another ops table.
 */
#ifndef CMACAM_ENGINE_H
#define CMACAM_ENGINE_H

#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct cmacam_completion;
struct cmacam_engine;
struct device;

/**
 * struct cmacam_engine_caps - what an engine can do
 * @formats: bit n is set if format code n can be written
 * @depth: addresses that it can hold beside the one being written
 * @addr_bits: width of an address
 * @addr_align: of an address, bytes
 * @stride_align: of a stride, bytes
 * @max_stride: bytes
 */
struct cmacam_engine_caps {
	u32 formats;
	u32 depth;
	u32 addr_bits;
	u32 addr_align;
	u32 stride_align;
	u32 max_stride;
};

/**
 * struct cmacam_engine_config - geometry of a stream
 * @width: pixels
 * @height: lines
 * @code: CMACAM_FMT_*
 * @stride: bytes
 * @size: bytes of a buffer, which the engine never exceeds
 */
struct cmacam_engine_config {
	u32 width;
	u32 height;
	u32 code;
	u32 stride;
	u32 size;
};

/**
 * struct cmacam_frame - a finished frame
 * @addr: where it is
 * @timestamp: start of exposure, CLOCK_MONOTONIC, ns
 * @sequence: counts lost frames too, from 0 at start
 * @bytes: written
 * @error: the content is not what it should be
 * @exposure: lines
 * @gain: 1/256
 * @pattern: CMACAM_PATTERN_*
 * @line_length: pixels, blanking included
 * @frame_length: lines, blanking included
 * @flip: CMACAM_FLIP_*
 * @crop_left: of what is shown, pixels of the array
 * @crop_top: lines
 * @crop_width: pixels
 * @crop_height: lines
 * @red_gain: 1/256
 * @blue_gain: 1/256
 * @brightness: added to 8-bit codes
 * @contrast: 1/256
 * @saturation: 1/256
 */
struct cmacam_frame {
	dma_addr_t addr;
	u64 timestamp;
	u32 sequence;
	u32 bytes;
	bool error;
	u32 exposure;
	u32 gain;
	u32 pattern;
	u32 line_length;
	u32 frame_length;
	u32 flip;
	u32 crop_left;
	u32 crop_top;
	u32 crop_width;
	u32 crop_height;
	u32 red_gain;
	u32 blue_gain;
	s32 brightness;
	u32 contrast;
	u32 saturation;
};

/**
 * struct cmacam_engine_client - who takes the frames
 * @frame_done: a frame is finished; returns how many addresses that uses up,
 *	in the order in which they were queued
 * @frames_lost: frames were lost
 * @frame_start: a frame begins; called only while somebody wants to know
 * @refill: addresses may be queued
 * @failed: no more frames will come. Process context, without the lock.
 *
 * All others are called with &cmacam_engine.lock held and interrupts disabled.
 */
struct cmacam_engine_client {
	unsigned int (*frame_done)(struct cmacam_engine *engine,
				   const struct cmacam_frame *frame);
	void (*frames_lost)(struct cmacam_engine *engine, u32 first, u32 count);
	void (*frame_start)(struct cmacam_engine *engine, u32 sequence);
	void (*refill)(struct cmacam_engine *engine);
	void (*failed)(struct cmacam_engine *engine);
};

/**
 * struct cmacam_engine_ops - how an engine is driven
 * @start: begin to fill buffers, from sequence number &cmacam_engine.base;
 *	calls refill before the first frame. Process context.
 * @stop: stop and return when the engine touches no memory any more. Calls
 *	the client for frames that were finished meanwhile. Process context.
 * @queue: queue an address; false if there is no room. The lock is held.
 * @watch_start: one more or one less wants to hear of starts of frames
 */
struct cmacam_engine_ops {
	int (*start)(struct cmacam_engine *engine,
		     const struct cmacam_engine_config *config);
	void (*stop)(struct cmacam_engine *engine);
	bool (*queue)(struct cmacam_engine *engine, dma_addr_t addr);
	void (*watch_start)(struct cmacam_engine *engine, bool on);
};

/**
 * struct cmacam_engine - a channel of the board
 * @ops: how it is driven
 * @client: who takes the frames
 * @caps: what it can do
 * @dev: the bus device
 * @regs: register block of the board
 * @irq: its interrupt
 * @isolate: cuts the board off the bus, where even a reset does not stop it
 * @broken: was cut off and stays so until the driver is bound again
 * @lock: guards all that follows; the client uses it for its lists too
 * @running: started
 * @watch: how many want to hear of starts of frames
 * @base: sequence number of the first frame
 * @next: sequence number that comes next
 * @lost: frames since start
 * @last_timestamp: of the frame before
 * @clock_offset: CLOCK_MONOTONIC minus the board's clock
 * @outstanding: addresses queued whose frames are not finished
 * @taken: those of them known to have left the FIFO
 * @ring: completion ring
 * @ring_dma: where the board sees it
 * @ring_entries: its size
 * @ring_head: entry that the board writes next
 * @service: looks after the clock, and after interrupts that got lost
 * @service_runs: since start
 */
struct cmacam_engine {
	const struct cmacam_engine_ops *ops;
	const struct cmacam_engine_client *client;
	struct cmacam_engine_caps caps;
	struct device *dev;
	void __iomem *regs;
	int irq;
	void (*isolate)(struct device *dev);
	bool broken;

	spinlock_t lock; /* see the kernel-doc above */
	bool running;
	unsigned int watch;
	u32 base;
	u32 next;
	u32 lost;
	u64 last_timestamp;
	s64 clock_offset;
	unsigned int outstanding;
	unsigned int taken;

	struct cmacam_completion *ring;
	dma_addr_t ring_dma;
	unsigned int ring_entries;
	unsigned int ring_head;

	struct delayed_work service;
	unsigned int service_runs;
};

int cmacam_engine_init(struct cmacam_engine *engine, struct device *dev,
		       void __iomem *regs, int irq,
		       void (*isolate)(struct device *),
		       const struct cmacam_engine_client *client);
void cmacam_engine_cleanup(struct cmacam_engine *engine);
int cmacam_engine_reset(struct cmacam_engine *engine);

#endif
