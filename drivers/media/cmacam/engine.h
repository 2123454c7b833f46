/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DMA engine as the rest of the driver sees it: channels to start and stop,
 * to give addresses to, to get finished frames from. Registers, interrupt,
 * rings and the board's clock are behind struct cmacam_engine_ops. Another kind
 * of engine is another file with another ops table, named in pci.c.
 */
#ifndef CMACAM_ENGINE_H
#define CMACAM_ENGINE_H

#include <linux/cmacam.h>
#include <linux/spinlock.h>
#include <linux/types.h>

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
 * @addr: address of its buffer
 * @bytes: number of bytes that the engine wrote
 * @meta: metadata for user space; the client fills in pixel_rate and lost. The
 *	timestamp is the same on every channel that has this frame. The
 *	sequence number counts lost frames too, from
 *	&cmacam_channel.base; it is that of the main channel if linked with it.
 */
struct cmacam_frame {
	dma_addr_t addr;
	u32 bytes;
	struct cmacam_frame_meta meta;
};

/**
 * struct cmacam_engine_client - receiver of the frames of all channels
 * @frame_done: a frame is finished; returns the number of addresses it uses up,
 *	in the order in which they were queued
 * @frames_lost: frames were lost
 * @frame_start: a frame begins; called only while @traces_start is true or
 *	&cmacam_channel.watch is not zero
 * @traces_start: whether the client itself needs @frame_start at present
 * @refill: addresses may be queued
 * @failed: no more frames will come
 *
 * All are called with &cmacam_engine.lock held and interrupts disabled.
 */
struct cmacam_engine_client {
	unsigned int (*frame_done)(struct cmacam_channel *ch,
				   struct cmacam_frame *frame);
	void (*frames_lost)(struct cmacam_channel *ch, u32 first, u32 count);
	void (*frame_start)(struct cmacam_channel *ch, u32 sequence);
	bool (*traces_start)(void);
	void (*refill)(struct cmacam_channel *ch);
	void (*failed)(struct cmacam_channel *ch);
};

/**
 * struct cmacam_engine_ops - a kind of engine
 * @init: find out what the engine can do, bring the board into its initial
 *	state, set the DMA mask, request the interrupt. Sets the members of
 *	&cmacam_engine and &cmacam_channel that are marked so; logs what is
 *	wrong. Returns 0 or a negative error code, after which nothing is to be
 *	cleaned up.
 * @cleanup: the hardware goes away. No channel is started. Of the operations
 *	only @watch_start may be called afterwards; what the channels can do may
 *	still be read.
 * @start: begin to fill buffers, from sequence number &cmacam_channel.base;
 *	calls refill before the first frame. Process context.
 * @stop: stop the channel and wait until it touches no memory. If it does not
 *	stop, the board is reset; if that fails, it is cut off the bus. Calls
 *	the client for frames that finish meanwhile. Process context.
 * @queue: queue an address; false if there is no room. The lock is held.
 * @watch_start: one more or one less wants to hear of starts of frames
 */
struct cmacam_engine_ops {
	int (*init)(struct cmacam_engine *engine);
	void (*cleanup)(struct cmacam_engine *engine);
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
 * @caps: what it can do; set by init
 * @started: between start and the end of stop
 * @running: started and not being stopped: addresses may be queued
 * @linked: takes frames only together with the main channel
 * @watch: number of those who want to hear of starts of frames
 * @base: sequence number of the first frame; set by the client before start
 * @next: sequence number that comes next
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
	unsigned int watch;
	u32 base;
	u32 next;
};

/**
 * struct cmacam_engine - the board's DMA engine
 * @ops: what kind it is
 * @client: receiver of the frames
 * @dev: the bus device
 * @regs: register block of the board
 * @irq: its interrupt, for all channels
 * @isolate: cuts the board off the bus, where nothing else stops it
 * @gone: called when the board does not answer and never will again, and once
 *	more from time to time until the last channel is stopped. Process
 *	context.
 * @version: of the register interface, major << 16 | minor; set by init
 * @num_channels: number of channels; set by init
 * @channels: all of them
 * @lock: guards the channels; the client uses it for its lists too
 * @priv: the state of this kind of engine, between init and cleanup
 */
struct cmacam_engine {
	const struct cmacam_engine_ops *ops;
	const struct cmacam_engine_client *client;
	struct device *dev;
	void __iomem *regs;
	int irq;
	void (*isolate)(struct device *dev);
	void (*gone)(struct cmacam_engine *engine);

	u32 version;
	unsigned int num_channels;
	struct cmacam_channel channels[CMACAM_CH_COUNT];

	spinlock_t lock; /* see the kernel-doc above */
	void *priv;
};

/* engine.c */
extern const struct cmacam_engine_ops cmacam_fifo_engine;

#endif
