/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DMA engine as the capture nodes see it: channels to start and stop, to
 * give addresses to, to hear of finished frames from. Another kind of engine
 * is another ops table.
 */
#ifndef CMACAM_ENGINE_H
#define CMACAM_ENGINE_H

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "cmacam-regs.h"

struct cmacam_channel;
struct cmacam_engine;
struct device;

/**
 * struct cmacam_engine_caps - what a channel can do
 * @formats: bit n is set if format code n can be written
 * @depth: addresses that it can hold beside the one being written
 * @addr_bits: width of an address
 * @addr_align: of an address, bytes
 * @stride_align: of a stride, bytes, a power of two; a format may need more
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
 * @width: pixels; this one, @height and @stride have no meaning for statistics
 * @height: lines
 * @code: CMACAM_FMT_*
 * @stride: bytes
 * @size: bytes of a buffer, which the engine never exceeds
 * @linked: take frames only together with the main channel
 */
struct cmacam_engine_config {
	u32 width;
	u32 height;
	u32 code;
	u32 stride;
	u32 size;
	bool linked;
};

/**
 * struct cmacam_frame - a finished frame
 * @addr: where it is
 * @timestamp: start of exposure, CLOCK_MONOTONIC, ns; the same on every channel
 *	that has this frame
 * @sequence: counts lost frames too, from 0 at start; that of the main channel
 *	if linked with it
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
 * struct cmacam_engine_client - who takes the frames of all channels
 * @frame_done: a frame is finished; returns how many addresses that uses up,
 *	in the order in which they were queued
 * @frames_lost: frames were lost
 * @frame_start: a frame begins; called only while somebody wants to know
 * @traces_start: whether the client itself wants to know, for the time being
 * @refill: addresses may be queued
 * @failed: no more frames will come
 * @gone: the board does not answer and never will again; called until the last
 *	channel is stopped. Process context.
 *
 * All but the last are called with &cmacam_engine.lock held and interrupts
 * disabled.
 */
struct cmacam_engine_client {
	unsigned int (*frame_done)(struct cmacam_channel *ch,
				   const struct cmacam_frame *frame);
	void (*frames_lost)(struct cmacam_channel *ch, u32 first, u32 count);
	void (*frame_start)(struct cmacam_channel *ch, u32 sequence);
	bool (*traces_start)(void);
	void (*refill)(struct cmacam_channel *ch);
	void (*failed)(struct cmacam_channel *ch);
	void (*gone)(struct cmacam_engine *engine);
};

/**
 * struct cmacam_engine_ops - how a channel is driven
 * @start: begin to fill buffers, from sequence number &cmacam_channel.base;
 *	calls refill before the first frame. Process context.
 * @stop: stop and return when the channel touches no memory any more. Calls
 *	the client for frames that were finished meanwhile. Process context.
 * @queue: queue an address; false if there is no room. The lock is held.
 * @watch_start: one more or one less wants to hear of starts of frames
 */
struct cmacam_engine_ops {
	int (*start)(struct cmacam_channel *ch,
		     const struct cmacam_engine_config *config);
	void (*stop)(struct cmacam_channel *ch);
	bool (*queue)(struct cmacam_channel *ch, dma_addr_t addr);
	void (*watch_start)(struct cmacam_channel *ch, bool on);
};

/**
 * struct cmacam_channel - one stream of frames out of the board
 * @engine: the engine
 * @index: CMACAM_CH_*
 * @caps: what it can do
 * @started: between start and the end of stop
 * @running: started and not being stopped: addresses may be queued
 * @linked: takes frames only together with the main channel
 * @synced: @next is known
 * @unchecked: not asked yet whether it has really started
 * @watch: how many want to hear of starts of frames
 * @traced: the trace event of starts of frames is one of them
 * @base: sequence number of the first frame
 * @next: sequence number that comes next
 * @lost: frames since start
 * @outstanding: addresses queued whose frames are not finished
 * @taken: those of them known to have left the FIFO
 * @ring: completion ring
 * @ring_dma: where the board sees it
 * @ring_head: entry that the board writes next
 *
 * What can change is guarded by &cmacam_engine.lock.
 */
struct cmacam_channel {
	struct cmacam_engine *engine;
	unsigned int index;
	struct cmacam_engine_caps caps;

	bool started;
	bool running;
	bool linked;
	bool synced;
	bool unchecked;
	unsigned int watch;
	bool traced;
	u32 base;
	u32 next;
	u32 lost;
	unsigned int outstanding;
	unsigned int taken;

	struct cmacam_completion *ring;
	dma_addr_t ring_dma;
	unsigned int ring_head;
};

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
 * struct cmacam_engine - the board's DMA engine
 * @ops: how its channels are driven
 * @client: who takes the frames
 * @dev: the bus device
 * @regs: register block of the board
 * @irq: its interrupt, for all channels
 * @isolate: cuts the board off the bus, where even a reset does not stop it
 * @num_channels: how many there are
 * @channels: all of them
 * @ring_entries: size of each completion ring
 * @setup: serialises start and stop; guards @users and @broken
 * @users: channels started
 * @broken: was cut off and stays so until the driver is bound again
 * @lock: guards all that follows, and the channels; the client uses it for
 *	its lists too
 * @irq_enable: channels that may interrupt
 * @clock_offset: CLOCK_MONOTONIC minus the board's clock
 * @stamps: starts of the last frames, @ring_entries of them, used in turn
 * @num_stamps: how many were made since the first channel started
 * @last_host: the newest of them all
 * @service: looks after the clock, and after interrupts that got lost
 * @service_runs: since the first channel started
 */
struct cmacam_engine {
	const struct cmacam_engine_ops *ops;
	const struct cmacam_engine_client *client;
	struct device *dev;
	void __iomem *regs;
	int irq;
	void (*isolate)(struct device *dev);
	unsigned int num_channels;
	struct cmacam_channel channels[CMACAM_CH_COUNT];
	unsigned int ring_entries;

	struct mutex setup; /* see the kernel-doc above */
	unsigned int users;
	bool broken;

	spinlock_t lock; /* see the kernel-doc above */
	u32 irq_enable;
	s64 clock_offset;
	struct cmacam_stamp *stamps;
	unsigned int num_stamps;
	u64 last_host;

	struct delayed_work service;
	unsigned int service_runs;
};

/* engine.c */
int cmacam_engine_init(struct cmacam_engine *engine, struct device *dev,
		       void __iomem *regs, int irq,
		       void (*isolate)(struct device *),
		       const struct cmacam_engine_client *client);
void cmacam_engine_cleanup(struct cmacam_engine *engine);
struct cmacam_channel *cmacam_engine_leader(struct cmacam_engine *engine);

/* engine-clock.c */
void cmacam_engine_restart_clock(struct cmacam_engine *engine);
void cmacam_engine_read_clock(struct cmacam_engine *engine);
u64 cmacam_engine_timestamp(struct cmacam_engine *engine, u64 board);

#endif
