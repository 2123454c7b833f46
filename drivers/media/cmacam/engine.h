/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interface between the DMA engine and the other files of the driver. These
 * files start and stop channels, queue addresses to channels and get finished
 * frames from channels. struct cmacam_engine_ops hides registers, interrupt,
 * rings and the board's clock. To add another kind of engine, add a file with
 * another ops table, and name this table in pci.c.
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
 * struct cmacam_engine_caps - capabilities of a channel
 * @formats: bit n is set if the channel can write format code n
 * @depth: number of addresses that the channel can hold in addition to the
 *	address of the frame in progress
 * @addr_bits: width of an address, bits
 * @addr_align: alignment of an address, bytes
 * @stride_align: alignment of a stride, bytes, a power of two; a format may
 *	need a larger alignment
 * @max_stride: largest stride, bytes
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
 * @width: width of a frame, pixels; the statistics channel ignores @width,
 *	@height and @stride
 * @height: height of a frame, lines
 * @code: pixel format, CMACAM_FMT_*
 * @stride: stride of the first plane, bytes
 * @size: size of a buffer, bytes; the engine never writes more bytes
 * @linked: true if the channel takes frames only together with the main channel
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
 * @addr: address of the frame's buffer
 * @bytes: number of bytes that the engine wrote
 * @meta: metadata for user space; the client fills in pixel_rate, lost, overrun
 *	and the stamps of clocks other than CLOCK_MONOTONIC. The timestamp is
 *	the same on every channel that has this frame. The sequence number
 *	starts at &cmacam_channel.base, and lost frames are counted as well. A
 *	channel that is linked with the main channel has the sequence numbers of
 *	the main channel.
 */
struct cmacam_frame {
	dma_addr_t addr;
	u32 bytes;
	struct cmacam_frame_meta meta;
};

/**
 * struct cmacam_engine_client - receiver of the frames of all channels
 * @frame_done: called when a frame is finished; returns the number of addresses
 *	that the engine no longer has: the address of the frame and all
 *	addresses that were queued before that address
 * @frames_lost: called when frames were lost
 * @frame_start: called when a frame begins, but only while
 *	&cmacam_channel.watch is not zero
 * @traces_start: returns true while the client itself needs @frame_start. The
 *	engine calls @traces_start from time to time. While the result is true,
 *	&cmacam_channel.watch includes the client.
 * @refill: called when the channel may have room for more addresses
 * @failed: called when the channel will deliver no more frames
 *
 * The engine calls all these functions with &cmacam_engine.lock held and
 * interrupts disabled.
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
 * @init: reads the capabilities, brings the board into its initial state, sets
 *	the DMA mask and requests the interrupt. @init sets the members of
 *	&cmacam_engine and &cmacam_channel that are documented as "set by init".
 *	@init logs each error and returns 0 or a negative error code. After an
 *	error, the caller must not call @cleanup.
 * @cleanup: releases the hardware. The caller stops all channels before
 *	@cleanup. After @cleanup, only the operation @watch_start may be called,
 *	and &cmacam_channel.caps may still be read.
 * @start: starts a channel. The first frame has the sequence number
 *	&cmacam_channel.base. @start calls &cmacam_engine_client.refill before
 *	the first frame. Called in process context.
 * @stop: stops a channel and waits until the channel accesses no memory. If the
 *	channel does not stop, @stop resets the board, and then calls
 *	&cmacam_engine.was_reset. If the reset fails, or if the board does not
 *	answer, @stop calls &cmacam_engine.isolate. If a frame finishes while
 *	@stop waits, @stop calls the client for this frame. If the channel is
 *	not started, @stop does nothing. Called in process context.
 * @queue: queues an address; returns false if the channel has no room for the
 *	address. The caller holds &cmacam_engine.lock.
 * @watch_start: adds a user that wants to be notified of starts of frames if
 *	the argument on is true; removes such a user if on is false
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
 * struct cmacam_channel - a channel, which delivers one stream of frames
 * @engine: engine that the channel belongs to
 * @index: CMACAM_CH_*
 * @caps: capabilities; set by init
 * @started: true from the operation start to the end of the operation stop
 * @running: true while the channel is started and is not being stopped; while
 *	@running is true, addresses may be queued
 * @linked: true if the channel takes frames only together with the main channel
 * @watch: number of users that want to be notified of starts of frames
 * @base: sequence number of the first frame; set by the client before start
 * @next: sequence number of the next frame
 *
 * &cmacam_engine.lock guards all members that can change.
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
 * @ops: operations of this kind of engine
 * @client: receiver of the frames
 * @dev: the bus device
 * @regs: register block of the board
 * @irq: interrupt of the board, shared by all channels
 * @isolate: if the argument isolated is true, ends the board's DMA and
 *	interrupts, and returns when no DMA is in flight; if isolated is false,
 *	permits both. Before the operation init, they are not permitted. Called
 *	in process context.
 * @gone: called when the board does not answer and will never answer again. The
 *	engine repeats the call from time to time until the last channel is
 *	stopped. Called in process context, also from the operation stop, so
 *	@gone must not wait for that operation.
 * @was_reset: called when the operation stop has reset the board, so that the
 *	registers of the sensor have their reset values. No channel can start
 *	before @was_reset returns. Called in process context.
 * @version: version of the register interface, major << 16 | minor; set by init
 * @num_channels: number of channels; set by init
 * @channels: the channels; only the first @num_channels exist
 * @lock: guards the channels; the client also uses this lock for its lists
 * @priv: data of this kind of engine, valid between init and cleanup
 */
struct cmacam_engine {
	const struct cmacam_engine_ops *ops;
	const struct cmacam_engine_client *client;
	struct device *dev;
	void __iomem *regs;
	int irq;
	void (*isolate)(struct device *dev, bool isolated);
	void (*gone)(struct cmacam_engine *engine);
	void (*was_reset)(struct cmacam_engine *engine);

	u32 version;
	unsigned int num_channels;
	struct cmacam_channel channels[CMACAM_CH_COUNT];

	spinlock_t lock; /* see the kernel-doc above */
	void *priv;
};

/* engine.c */
extern const struct cmacam_engine_ops cmacam_fifo_engine;

#endif
