// SPDX-License-Identifier: GPL-2.0-only
/*
 * The completion ring of a channel: what became of the frames.
 */
#include <linux/dev_printk.h>

#include <asm/barrier.h>

#include "engine-priv.h"

static void channel_lose(struct cmacam_channel *ch, u32 first, u32 count)
{
	ch->next = first + count;
	ch->lost += count;
	dev_dbg(ch->engine->dev,
		"channel %u: %u frames lost from %u on, %u since start\n",
		ch->index, count, first, ch->lost);
	ch->engine->client->frames_lost(ch, first, count);
}

static void channel_complete(struct cmacam_channel *ch,
			     const struct cmacam_completion *entry)
{
	struct cmacam_frame frame = {
		.addr = le64_to_cpu(entry->addr),
		.sequence = ch_base(ch) + le32_to_cpu(entry->sequence),
		.bytes = le32_to_cpu(entry->bytes),
		.error = le32_to_cpu(entry->flags) & (CMACAM_DONE_BUS_ERROR |
						      CMACAM_DONE_LIMIT |
						      CMACAM_DONE_SHORT),
		.exposure = le32_to_cpu(entry->exposure),
		.gain = le32_to_cpu(entry->gain),
		.pattern = le32_to_cpu(entry->pattern),
		.line_length = le32_to_cpu(entry->line_length),
		.frame_length = le32_to_cpu(entry->frame_length),
		.flip = le32_to_cpu(entry->flip),
		.crop_left = le32_to_cpu(entry->crop_pos) & 0xffff,
		.crop_top = le32_to_cpu(entry->crop_pos) >> 16,
		.crop_width = le32_to_cpu(entry->crop_size) & 0xffff,
		.crop_height = le32_to_cpu(entry->crop_size) >> 16,
		.red_gain = le32_to_cpu(entry->red_gain),
		.blue_gain = le32_to_cpu(entry->blue_gain),
		.brightness = (s32)le32_to_cpu(entry->brightness),
		.contrast = le32_to_cpu(entry->contrast),
		.saturation = le32_to_cpu(entry->saturation),
	};
	/*
	 * Not the gap in the sequence numbers: those of a linked channel are
	 * the main channel's, which may have run before or start over.
	 */
	s32 missing = le32_to_cpu(entry->dropped) - ch->lost;
	unsigned int used;

	frame.timestamp = cmacam_engine_timestamp(ch->engine,
						  le64_to_cpu(entry->time));

	if (missing > 0)
		channel_lose(ch, frame.sequence - missing, missing);
	ch->next = frame.sequence + 1;
	ch->synced = true;

	used = ch->engine->client->frame_done(ch, &frame);
	ch->outstanding -= min(used, ch->outstanding);
	ch->taken -= min(used, ch->taken);
}

/**
 * cmacam_channel_has_entry() - is there a finished frame?
 * @ch: the channel
 *
 * Return: whether its ring has an entry that was not read
 */
bool cmacam_channel_has_entry(const struct cmacam_channel *ch)
{
	const struct cmacam_completion *slot = &ch->ring[ch->ring_head];

	return le32_to_cpu(READ_ONCE(slot->owner)) & CMACAM_DONE_OWNER;
}

/**
 * cmacam_channel_drain() - hand out all frames that are finished
 * @ch: the channel, with the engine's lock held
 */
void cmacam_channel_drain(struct cmacam_channel *ch)
{
	bool found = false;

	lockdep_assert_held(&ch->engine->lock);

	while (cmacam_channel_has_entry(ch)) {
		struct cmacam_completion *slot = &ch->ring[ch->ring_head];
		struct cmacam_completion entry;

		/*
		 * The board writes pixels, then the entry, then the owner bit.
		 * Having seen the bit, read neither entry nor pixels earlier.
		 */
		dma_rmb();
		entry = *slot;

		/*
		 * From the next store on the board may overwrite the entry, so
		 * the loads above must be over: a full barrier, since a write
		 * barrier does not order loads before stores.
		 */
		dma_mb();
		WRITE_ONCE(slot->owner, 0);

		ch->ring_head = (ch->ring_head + 1) % ch->engine->ring_entries;
		channel_complete(ch, &entry);
		found = true;
	}

	if (found && ch->running)
		ch->engine->client->refill(ch);
}

/**
 * cmacam_channel_count_dropped() - tell of frames lost after the last finished
 * @ch: the channel, with the engine's lock held
 *
 * The board tells how many frames it has lost. Entries that it wrote before
 * the last of those are visible once the read has returned, so what the drain
 * leaves unexplained was lost after the newest finished frame.
 *
 * A linked channel learns from its first frame where the main channel is. What
 * it lost until then is told with that frame, or at the end.
 */
void cmacam_channel_count_dropped(struct cmacam_channel *ch)
{
	u32 dropped = ch_read(ch, CMACAM_CH_DROPPED);
	s32 missing;

	if (dropped == U32_MAX)
		return;

	cmacam_channel_drain(ch);
	if (!ch->synced && ch->running)
		return;

	missing = dropped - ch->lost;
	if (missing > 0)
		channel_lose(ch, ch->next, missing);
}
