// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics for read() of the metadata node. The driver itself circulates the
 * buffers: the engine fills them, the newest one waits for readers, and the one
 * before goes back to the engine at once. So the engine always has buffers,
 * however slow the readers are.
 */
#include <linux/align.h>
#include <linux/cache.h>
#include <linux/cmacam.h>
#include <linux/dev_printk.h>
#include <linux/dma-mapping.h>
#include <linux/list.h>
#include <linux/string.h>

#include "../compat.h"
#include "cmacam.h"

static struct cmacam_video *feed_video(struct cmacam_device *cam)
{
	return &cam->video[CMACAM_CH_STATS];
}

static bool has_stats(const struct cmacam_device *cam)
{
	return cam->engine.num_channels > CMACAM_CH_STATS;
}

/* -----------------------------------------------------------------------------
 * Buffers, with the engine's lock held
 */

/* The CPU only reads, so a buffer that nobody has read needs no sync. */
static void feed_recycle(struct cmacam_feed *feed,
			 struct cmacam_feed_buffer *buf, struct device *dev)
{
	if (buf->with_cpu)
		dma_sync_single_for_device(dev, buf->addr,
					   sizeof(struct cmacam_stats),
					   DMA_FROM_DEVICE);
	buf->with_cpu = false;
	list_add_tail(&buf->list, &feed->idle);
}

/**
 * cmacam_feed_refill() - give the engine addresses while it takes some
 * @video: the statistics node, whose channel the feed uses; the engine's lock
 *	is held
 */
void cmacam_feed_refill(struct cmacam_video *video)
{
	struct cmacam_engine *engine = &video->cam->engine;
	struct cmacam_feed *feed = video->feed;
	struct cmacam_feed_buffer *buf, *next;

	list_for_each_entry_safe(buf, next, &feed->idle, list) {
		if (!engine->ops->queue(video->channel, buf->addr))
			break;
		list_move_tail(&buf->list, &feed->active);
	}
}

/**
 * cmacam_feed_done() - take the statistics of a finished frame
 * @video: the statistics node, whose channel the feed uses; the engine's lock
 *	is held
 * @frame: the frame
 *
 * Return: number of addresses that the engine no longer has; 0 if the address
 * of the frame is unknown
 */
unsigned int cmacam_feed_done(struct cmacam_video *video,
			      const struct cmacam_frame *frame)
{
	struct device *dev = video->cam->dev;
	struct cmacam_feed *feed = video->feed;
	struct cmacam_feed_buffer *buf, *next;
	unsigned int used = 0;

	list_for_each_entry(buf, &feed->active, list) {
		used++;
		if (buf->addr == frame->addr)
			break;
	}
	if (list_entry_is_head(buf, &feed->active, list))
		return 0;

	/* Those that were passed over belong to frames that were lost. */
	list_for_each_entry_safe(buf, next, &feed->active, list) {
		list_del(&buf->list);
		if (buf->addr == frame->addr)
			break;
		feed_recycle(feed, buf, dev);
	}

	if (frame->meta.flags & CMACAM_META_FLAG_ERROR ||
	    frame->bytes < sizeof(struct cmacam_stats)) {
		feed_recycle(feed, buf, dev);
		return used;
	}

	if (feed->newest)
		feed_recycle(feed, feed->newest, dev);
	feed->newest = buf;
	feed->timestamp = frame->meta.timestamp;
	feed->exposure = frame->meta.exposure;
	feed->gain = frame->meta.gain;

	return used;
}

/* -----------------------------------------------------------------------------
 * Start and stop, with the lock of the statistics node held
 */

static void feed_free(struct cmacam_feed *feed, struct device *dev)
{
	dma_free_noncoherent(dev, feed->size, feed->memory, feed->addr,
			     DMA_FROM_DEVICE);
	feed->memory = NULL;
}

static int feed_alloc(struct cmacam_feed *feed, struct cmacam_video *video)
{
	u32 align = video->channel->caps.addr_align;
	struct device *dev = video->cam->dev;
	/* Two buffers in a cache line would spoil each other. */
	size_t line = max_t(size_t, L1_CACHE_BYTES, dma_get_cache_alignment());
	size_t step = ALIGN(sizeof(struct cmacam_stats),
			    max_t(size_t, align, line));

	feed->size = step * CMACAM_FEED_BUFFERS;
	feed->memory = dma_alloc_noncoherent(dev, feed->size, &feed->addr,
					     DMA_FROM_DEVICE, GFP_KERNEL);
	if (!feed->memory)
		return -ENOMEM;
	if (!IS_ALIGNED(feed->addr, align)) {
		feed_free(feed, dev);
		return -EINVAL;
	}

	INIT_LIST_HEAD(&feed->idle);
	INIT_LIST_HEAD(&feed->active);
	feed->newest = NULL;
	for (int i = 0; i < CMACAM_FEED_BUFFERS; i++) {
		struct cmacam_feed_buffer *buf = &feed->buffers[i];

		buf->data = feed->memory + i * step;
		buf->addr = feed->addr + i * step;
		/* The allocator has zeroed the memory. */
		buf->with_cpu = true;
		feed_recycle(feed, buf, dev);
	}

	return 0;
}

static void feed_stop(struct cmacam_video *video)
{
	struct cmacam_feed *feed = video->feed;

	cmacam_video_halt(video);
	scoped_guard(spinlock_irqsave, &video->cam->engine.lock)
		video->feed = NULL;
	feed_free(feed, video->cam->dev);
}

static int feed_start(struct cmacam_video *video)
{
	struct cmacam_feed *feed = &video->cam->feed;
	int ret;

	ret = cmacam_video_await(video);
	if (ret)
		return ret;
	if (vb2_is_streaming(&video->queue))
		return -EBUSY;

	ret = feed_alloc(feed, video);
	if (ret)
		return ret;

	scoped_guard(spinlock_irqsave, &video->cam->engine.lock) {
		feed->failed = false;
		video->feed = feed;
	}

	ret = cmacam_video_run(video);
	if (!ret)
		return 0;

	scoped_guard(spinlock_irqsave, &video->cam->engine.lock)
		video->feed = NULL;
	feed_free(feed, video->cam->dev);

	return ret;
}

/* -----------------------------------------------------------------------------
 * Readers
 */

/**
 * cmacam_feed_use() - have statistics taken for a file
 * @cam: the board
 * @user: use of the statistics by the file
 *
 * A board without statistics has none for any file, which is not an error.
 *
 * Return: 0 or a negative error code
 */
int cmacam_feed_use(struct cmacam_device *cam, struct cmacam_feed_user *user)
{
	struct cmacam_video *video = feed_video(cam);
	struct cmacam_feed *feed = &cam->feed;
	int ret;

	if (!has_stats(cam))
		return 0;
	if (READ_ONCE(user->counted) && READ_ONCE(video->feed) &&
	    !READ_ONCE(feed->failed))
		return 0;

	guard(mutex)(&video->lock);

	/* A reset of the board has stopped the channel: start over. */
	if (video->feed && feed->failed)
		feed_stop(video);
	if (!video->feed) {
		ret = feed_start(video);
		if (ret)
			return ret;
	}

	feed->users += !user->counted;
	WRITE_ONCE(user->counted, true);

	return 0;
}

/**
 * cmacam_feed_drop() - take no more statistics for a file
 * @cam: the board
 * @user: use of the statistics by the file
 */
void cmacam_feed_drop(struct cmacam_device *cam, struct cmacam_feed_user *user)
{
	struct cmacam_video *video = feed_video(cam);

	if (!READ_ONCE(user->counted))
		return;

	guard(mutex)(&video->lock);

	if (!user->counted)
		return;

	WRITE_ONCE(user->counted, false);
	if (!--cam->feed.users && video->feed)
		feed_stop(video);
}

/**
 * cmacam_feed_end() - stop, because the nodes are unregistered
 * @cam: the board; its statistics node is unregistered
 */
void cmacam_feed_end(struct cmacam_device *cam)
{
	struct cmacam_video *video = feed_video(cam);

	if (!has_stats(cam))
		return;

	guard(mutex)(&video->lock);

	if (video->feed)
		feed_stop(video);
}

/**
 * cmacam_feed_read() - read the newest statistics
 * @cam: the board
 * @user: use of the statistics by the file
 * @to: memory for the statistics
 *
 * Return: true if @to has statistics that the file has not read before
 */
bool cmacam_feed_read(struct cmacam_device *cam, struct cmacam_feed_user *user,
		      struct cmacam_frame_stats *to)
{
	struct cmacam_video *video = feed_video(cam);
	struct cmacam_feed_buffer *buf;
	struct cmacam_feed *feed;

	if (!has_stats(cam))
		return false;

	guard(spinlock_irqsave)(&cam->engine.lock);

	feed = video->feed;
	buf = feed ? feed->newest : NULL;
	if (!buf || feed->timestamp <= user->timestamp)
		return false;

	if (!buf->with_cpu)
		dma_sync_single_for_cpu(cam->dev, buf->addr,
					sizeof(struct cmacam_stats),
					DMA_FROM_DEVICE);
	buf->with_cpu = true;

	memset(to, 0, offsetof(struct cmacam_frame_stats, stats));
	to->timestamp = feed->timestamp;
	to->exposure = feed->exposure;
	to->gain = feed->gain;
	memcpy(&to->stats, buf->data, sizeof(to->stats));
	user->timestamp = feed->timestamp;

	return true;
}

/**
 * cmacam_feed_reset() - take all buffers back from a channel that was stopped
 * @video: the statistics node, whose channel the feed uses; the engine's lock
 *	is held
 */
void cmacam_feed_reset(struct cmacam_video *video)
{
	list_splice_init(&video->feed->active, &video->feed->idle);
}
