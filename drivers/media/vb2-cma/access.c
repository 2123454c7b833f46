// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU access: of processes and importers that announce it, whole or in part,
 * and of the kernel, which maps.
 */
#include <linux/cache.h>
#include <linux/dma-mapping.h>
#include <linux/math.h>
#include <linux/sched.h>

#include "vcma-buf.h"
#include "sync.h"
#include "trace.h"

static bool contains(const struct vcma_rect *outer,
		     const struct vcma_rect *inner)
{
	return inner->stride == outer->stride &&
	       inner->line_bytes <= outer->line_bytes &&
	       inner->lines <= outer->lines &&
	       inner->offset >= outer->offset &&
	       (inner->offset - outer->offset) % outer->stride +
	       inner->line_bytes <= outer->line_bytes &&
	       (inner->offset - outer->offset) / outer->stride +
	       inner->lines <= outer->lines;
}

static void sync_rect(struct vcma_buf *buf, unsigned int which,
		      const struct vcma_rect *rect)
{
	size_t granule = max(dma_get_cache_alignment(), L1_CACHE_BYTES);
	size_t start, end, line, bytes = 0;

	/* Lines that touch each other, or nearly, are one piece. */
	if (rect->stride - rect->line_bytes < granule) {
		start = round_down(rect->offset, granule);
		end = rect->offset + (rect->lines - 1) * rect->stride +
		      rect->line_bytes;
		end = min(round_up(end, granule), buf->size);
		bytes = vcma_sync_views(buf, which, true, start, end - start);
		vcma_count_sync(buf, true, bytes, VCMA_REASON_ROI);
		return;
	}

	for (line = 0; line < rect->lines; line++) {
		size_t first = rect->offset + line * rect->stride;

		start = round_down(first, granule);
		end = min(round_up(first + rect->line_bytes, granule),
			  buf->size);
		bytes += vcma_sync_views(buf, which, true, start, end - start);
		cond_resched();
	}
	vcma_count_sync(buf, true, bytes, VCMA_REASON_ROI);
}

static bool is_rect_valid(struct vcma_buf *buf, const struct vcma_rect *rect)
{
	unsigned int i;

	for (i = 0; i < buf->rect_count; i++)
		if (contains(&buf->rects[i], rect))
			return true;

	return false;
}

/*
 * A part of a stale buffer becomes valid; the rest stays stale. Nobody may
 * write to such a part: a line shared with the stale rest would be written
 * back. What several readers look at in turn is synchronised once, as far as
 * there is room to remember it; twice does no harm.
 */
static void begin_rect(struct vcma_buf *buf, const struct vcma_rect *rect)
{
	bool stale = vcma_is_stale(buf) || buf->unsynced;
	unsigned int which = vcma_show_stock(buf) ? VCMA_STOCK : 0;

	if (stale && !is_rect_valid(buf, rect)) {
		which |= VCMA_TAKERS;
		if (buf->rect_count < VCMA_RECTS)
			buf->rects[buf->rect_count++] = *rect;
	}
	if (which && vcma_needs_sync(buf))
		sync_rect(buf, which, rect);
}

static void begin_all(struct vcma_buf *buf)
{
	if (vcma_is_stale(buf) || buf->unsynced)
		vcma_make_valid(buf, VCMA_REASON_BEGIN);
	else if (vcma_show_stock(buf))
		vcma_sync_all(buf, VCMA_STOCK, true, VCMA_REASON_BEGIN);
}

/**
 * vcma_begin_access() - the CPU is about to read or write
 * @buf: the buffer
 * @dir: DMA_FROM_DEVICE to read, DMA_TO_DEVICE to write, or both
 * @rect: the part; NULL: all
 *
 * A write needs valid lines as well: those that it does not fill are written
 * back with what they had. Parts are for readers only.
 */
void vcma_begin_access(struct vcma_buf *buf, enum dma_data_direction dir,
		       const struct vcma_rect *rect)
{
	bool writes = dir != DMA_FROM_DEVICE;

	guard(mutex)(&buf->lock);

	trace_vb2_cma_begin(buf, dir);
	/*
	 * What is made valid now, the engine may write over. DQBUF repeats it;
	 * after DQBUF nobody asks for this any more.
	 */
	if (READ_ONCE(buf->owner) != VCMA_CPU)
		buf->early = true;
	if (rect && !writes)
		begin_rect(buf, rect);
	else
		begin_all(buf);

	if (writes)
		vcma_written(buf);
	vcma_user_begins(buf, writes);
}

/**
 * vcma_end_access() - the CPU has read or written
 * @buf: the buffer
 * @dir: as at its beginning
 *
 * The engine gets the buffer by vcma_to_device() only, so that the end of
 * one reader never takes it from another. What a writer has written is written
 * back for stock importers at once, whoever else has an access open: writing
 * back drops nothing.
 */
void vcma_end_access(struct vcma_buf *buf, enum dma_data_direction dir)
{
	bool wrote;

	guard(mutex)(&buf->lock);

	trace_vb2_cma_end(buf, dir);
	wrote = vcma_user_ends(buf, dir != DMA_FROM_DEVICE);
	vcma_clean_for_stock(buf, wrote, VCMA_REASON_END);
}

/**
 * vcma_vmap() - the kernel maps the buffer
 * @buf: the buffer
 *
 * The memory has a mapping already. What is counted is that somebody uses it.
 */
void vcma_vmap(struct vcma_buf *buf)
{
	guard(mutex)(&buf->lock);

	buf->vmaps++;
	vcma_make_valid(buf, VCMA_REASON_MMAP);
}

/**
 * vcma_vunmap() - the kernel's mapping is gone
 * @buf: the buffer
 */
void vcma_vunmap(struct vcma_buf *buf)
{
	guard(mutex)(&buf->lock);

	buf->vmaps--;
	vcma_written(buf);
}

/**
 * vcma_filled() - the kernel has written a frame by the CPU
 * @buf: the buffer, which vcma_vmap() gave to the writer
 *
 * The end of a writer, as of one in user space: what it wrote is written back
 * for stock importers, which do not ask.
 */
void vcma_filled(struct vcma_buf *buf)
{
	guard(mutex)(&buf->lock);

	buf->vmaps--;
	vcma_written(buf);
	vcma_clean_for_stock(buf, true, VCMA_REASON_END);
}
