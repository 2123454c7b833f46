// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pending buffers: those for which the engine has no room yet, and those that
 * another device still reads, or writes, when they are queued. The engine gets
 * the latter when the fences of the other devices have signalled.
 *
 * videobuf2 does not know of fences, and must not wait for them: QBUF runs
 * under the queue's lock. So the buffer is queued, and stands in its place
 * among the pending ones until it may be overwritten.
 *
 * A fence's callback runs in any context, with the fence's own lock held. All
 * it does is to have the work run, so no lock of ours is ever taken under that
 * of a fence. &cmacam_buffer.fence belongs to whoever queues the buffer, then
 * to the work; cmacam_pending_stop() comes when neither runs any more.
 */
#include <linux/dev_printk.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>

#include "../compat.h"
#include "cmacam.h"
#include "cmacam_trace.h"
#include "vb2-cma.h"

/* Other drivers reset a device that takes longer. */
#define FENCE_LATE_MS	5000
/* The lock of the node is taken: somebody is about to queue, or to stop. */
#define FENCE_RETRY_MS	100

/*
 * The n-th buffers of linked channels show the same frame: there none
 * overtakes another.
 */
static bool pending_keeps_order(struct cmacam_channel *ch)
{
	struct cmacam_engine *engine = ch->engine;
	unsigned int i;

	for (i = 0; i < engine->num_channels; i++)
		if (engine->channels[i].started && engine->channels[i].linked)
			return ch->linked || ch->index == CMACAM_CH_MAIN;

	return false;
}

/**
 * cmacam_pending_refill() - give the engine addresses while it takes some
 * @ch: the channel, with the engine's lock held
 */
void cmacam_pending_refill(struct cmacam_channel *ch)
{
	struct cmacam_video *video = cmacam_channel_video(ch);
	struct cmacam_buffer *buf, *next;

	if (video->feed) {
		cmacam_feed_refill(video);
		return;
	}

	list_for_each_entry_safe(buf, next, &video->pending, list) {
		if (buf->waiting) {
			if (pending_keeps_order(ch))
				break;
			continue;
		}
		if (!ch->engine->ops->queue(ch, cmacam_buffer_addr(buf)))
			break;
		list_move_tail(&buf->list, &video->active);
		trace_cmacam_queue(video, buf->vb.vb2_buf.index,
				   cmacam_buffer_addr(buf));
	}
}

static struct cmacam_video *buffer_video(const struct cmacam_buffer *buf)
{
	return vb2_get_drv_priv(buf->vb.vb2_buf.vb2_queue);
}

static void fence_signalled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct cmacam_buffer *buf =
		container_of(cb, struct cmacam_buffer, fence_cb);

	/* The work sees it, for queueing is a full barrier. */
	WRITE_ONCE(buf->signalled, true);
	mod_delayed_work(system_highpri_wq, &buffer_video(buf)->fences, 0);
}

/* One that has not signalled, of a reader or a writer; referenced. */
static struct dma_fence *open_fence(struct dma_resv *resv)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, resv, dma_resv_usage_rw(true));
	fence = dma_resv_iter_first_unlocked(&cursor);
	if (fence)
		dma_fence_get(fence);
	dma_resv_iter_end(&cursor);

	return fence;
}

/* Whether there is one to wait for. If so, the work runs when it signals. */
static bool watch_fence(struct cmacam_buffer *buf)
{
	struct dma_resv *resv = vb2_cma_plane_resv(&buf->vb.vb2_buf, 0);

	while (resv && (buf->fence = open_fence(resv))) {
		WRITE_ONCE(buf->signalled, false);
		/* That it failed is an end as well. */
		if (!dma_fence_add_callback(buf->fence, &buf->fence_cb,
					    fence_signalled))
			return true;
		dma_fence_put(buf->fence);
	}
	buf->fence = NULL;

	return false;
}

static struct cmacam_buffer *find_signalled(struct cmacam_video *video)
{
	struct cmacam_buffer *buf;

	guard(spinlock_irqsave)(&video->cam->engine.lock);

	list_for_each_entry(buf, &video->pending, list)
		if (buf->waiting && READ_ONCE(buf->signalled))
			return buf;

	return NULL;
}

/* Of those that were not reported yet, the one that has waited longest. */
static struct cmacam_buffer *find_oldest(struct cmacam_video *video)
{
	struct cmacam_buffer *buf, *oldest = NULL;

	guard(spinlock_irqsave)(&video->cam->engine.lock);

	list_for_each_entry(buf, &video->pending, list)
		if (buf->waiting && !buf->told &&
		    (!oldest || time_before(buf->since, oldest->since)))
			oldest = buf;

	return oldest;
}

static void tell_late(struct cmacam_video *video, struct cmacam_buffer *buf)
{
	char driver[32], timeline[32];

	scoped_guard(rcu) {
		strscpy(driver, (const char __force *)
			dma_fence_driver_name(buf->fence), sizeof(driver));
		strscpy(timeline, (const char __force *)
			dma_fence_timeline_name(buf->fence), sizeof(timeline));
	}

	buf->told = true;
	cmacam_video_error(video,
			   "buffer %u has waited %lu s for a fence of %s (%s): another device still uses the frame in this buffer",
			   buf->vb.vb2_buf.index,
			   (jiffies - buf->since) / HZ,
			   driver, timeline);
}

/*
 * Nobody else takes a waiting buffer out of the list: the engine's interrupt
 * leaves it, and who gives buffers back has stopped this work before.
 */
static void fences_work(struct work_struct *work)
{
	struct cmacam_video *video = container_of(to_delayed_work(work),
						  struct cmacam_video, fences);
	struct cmacam_buffer *buf;
	unsigned long late;

	while ((buf = find_signalled(video))) {
		dma_fence_put(buf->fence);
		/* There may be others, also such as came later. */
		if (watch_fence(buf))
			continue;

		guard(spinlock_irqsave)(&video->cam->engine.lock);
		buf->waiting = false;
		if (video->channel->running)
			cmacam_pending_refill(video->channel);
	}

	while ((buf = find_oldest(video))) {
		late = buf->since + msecs_to_jiffies(FENCE_LATE_MS);
		if (time_before(jiffies, late)) {
			queue_delayed_work(system_highpri_wq, &video->fences,
					   late - jiffies);
			break;
		}
		if (!mutex_trylock(&video->lock)) {
			queue_delayed_work(system_highpri_wq, &video->fences,
					   msecs_to_jiffies(FENCE_RETRY_MS));
			break;
		}
		tell_late(video, buf);
		mutex_unlock(&video->lock);
	}
}

/**
 * cmacam_pending_add() - queue a buffer, as in struct vb2_ops
 * @vb: the buffer, in no list yet
 *
 * The engine gets it at once if it has room and no device uses the buffer,
 * otherwise as soon as that is so.
 */
void cmacam_pending_add(struct vb2_buffer *vb)
{
	struct cmacam_buffer *buf = cmacam_to_buffer(vb);
	struct cmacam_video *video = buffer_video(buf);
	bool waiting;

	buf->since = jiffies;
	buf->told = false;
	waiting = watch_fence(buf);
	buf->waiting = waiting;

	/* Once it is in the list, it can be given back at any time. */
	scoped_guard(spinlock_irqsave, &video->cam->engine.lock) {
		list_add_tail(&buf->list, &video->pending);
		if (video->channel->running)
			cmacam_pending_refill(video->channel);
	}

	/*
	 * The fence may have signalled since it was looked at, and the work,
	 * which looks through the list, has not found the buffer there. So the
	 * work runs once more in any case; it also sets the time at which a
	 * late fence is named.
	 */
	if (waiting)
		mod_delayed_work(system_highpri_wq, &video->fences, 0);
}

/**
 * cmacam_pending_init() - before the first buffer is queued
 * @video: the node
 */
void cmacam_pending_init(struct cmacam_video *video)
{
	INIT_DELAYED_WORK(&video->fences, fences_work);
}

/**
 * cmacam_pending_stop() - wait for no fence any more
 * @video: the node, with its lock held and its channel stopped
 *
 * The buffers stay pending: they are about to be given back.
 */
void cmacam_pending_stop(struct cmacam_video *video)
{
	struct cmacam_buffer *buf;

	/* Callbacks that come meanwhile do not start it again. */
	disable_delayed_work_sync(&video->fences);
	list_for_each_entry(buf, &video->pending, list) {
		if (!buf->waiting)
			continue;
		dma_fence_remove_callback(buf->fence, &buf->fence_cb);
		dma_fence_put(buf->fence);
		buf->fence = NULL;
		buf->waiting = false;
	}
	enable_delayed_work(&video->fences);
}
