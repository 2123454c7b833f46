// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPU access: of processes and importers that announce it, whole or in part,
 * and of the kernel, which maps.
 */
#include <linux/cache.h>
#include <linux/dma-mapping.h>
#include <linux/math.h>
#include <linux/sched.h>

#include "cma-buf.h"
#include "sync.h"
#include "trace.h"

static bool contains(const struct cma_buf_rect *outer,
		     const struct cma_buf_rect *inner)
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

static void sync_rect(struct cma_buf *buf, unsigned int which,
		      const struct cma_buf_rect *rect)
{
	size_t granule = max(dma_get_cache_alignment(), L1_CACHE_BYTES);
	size_t start, end, line, bytes = 0;

	/* Lines that touch each other, or nearly, are one piece. */
	if (rect->stride - rect->line_bytes < granule) {
		start = round_down(rect->offset, granule);
		end = rect->offset + (rect->lines - 1) * rect->stride +
		      rect->line_bytes;
		end = min(round_up(end, granule), buf->size);
		bytes = cma_buf_sync_views(buf, which, true, start,
					   end - start);
		cma_buf_count_sync(buf, true, bytes, CMA_BUF_REASON_ROI);
		return;
	}

	for (line = 0; line < rect->lines; line++) {
		size_t first = rect->offset + line * rect->stride;

		start = round_down(first, granule);
		end = min(round_up(first + rect->line_bytes, granule),
			  buf->size);
		bytes += cma_buf_sync_views(buf, which, true, start,
					    end - start);
		cond_resched();
	}
	cma_buf_count_sync(buf, true, bytes, CMA_BUF_REASON_ROI);
}

static bool is_rect_valid(struct cma_buf *buf, const struct cma_buf_rect *rect)
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
static void begin_rect(struct cma_buf *buf, const struct cma_buf_rect *rect)
{
	bool stale = cma_buf_is_stale(buf) || buf->unsynced;
	unsigned int which = buf->writes ? 0 : CMA_BUF_STOCK;

	if (stale && !is_rect_valid(buf, rect)) {
		which |= CMA_BUF_TAKERS;
		if (buf->rect_count < CMA_BUF_RECTS)
			buf->rects[buf->rect_count++] = *rect;
	}
	if (which && cma_buf_needs_sync(buf))
		sync_rect(buf, which, rect);
}

/*
 * Stock importers do not tell when they have written, so each begin is for
 * them too. But not under somebody's writing: that would be invalidated.
 */
static void begin_all(struct cma_buf *buf)
{
	if (cma_buf_is_stale(buf) || buf->unsynced)
		cma_buf_make_valid(buf, CMA_BUF_REASON_BEGIN);
	else if (!buf->writes && cma_buf_needs_sync(buf))
		cma_buf_sync_all(buf, CMA_BUF_STOCK, true,
				 CMA_BUF_REASON_BEGIN);
}

/**
 * cma_buf_begin_access() - the CPU is about to read or write
 * @buf: the buffer
 * @dir: DMA_FROM_DEVICE to read, DMA_TO_DEVICE to write, or both
 * @rect: the part; NULL: all
 *
 * A write needs valid lines as well: those that it does not fill are written
 * back with what they had. Parts are for readers only.
 */
void cma_buf_begin_access(struct cma_buf *buf, enum dma_data_direction dir,
			  const struct cma_buf_rect *rect)
{
	bool writes = dir != DMA_FROM_DEVICE;

	guard(mutex)(&buf->lock);

	trace_vb2_cma_begin(buf, dir);
	if (rect && !writes)
		begin_rect(buf, rect);
	else
		begin_all(buf);

	if (writes)
		cma_buf_written(buf);
	cma_buf_user_begins(buf, writes);
}

/**
 * cma_buf_end_access() - the CPU has read or written
 * @buf: the buffer
 * @dir: as at its beginning
 *
 * The engine gets the buffer by cma_buf_to_device() only, so that the end of
 * one reader never takes it from another. Stock importers may use it once
 * nobody has an access open, of whom it is known when he ends it.
 */
void cma_buf_end_access(struct cma_buf *buf, enum dma_data_direction dir)
{
	guard(mutex)(&buf->lock);

	trace_vb2_cma_end(buf, dir);
	cma_buf_user_ends(buf, dir != DMA_FROM_DEVICE);
	if (buf->begins == buf->strange_begins && cma_buf_needs_sync(buf))
		cma_buf_clean_for_stock(buf);
}

/**
 * cma_buf_vmap() - the kernel maps the buffer
 * @buf: the buffer
 *
 * The memory has a mapping already. What is counted is that somebody uses it.
 */
void cma_buf_vmap(struct cma_buf *buf)
{
	guard(mutex)(&buf->lock);

	buf->vmaps++;
	cma_buf_make_valid(buf, CMA_BUF_REASON_MMAP);
}

/**
 * cma_buf_vunmap() - the kernel's mapping is gone
 * @buf: the buffer
 */
void cma_buf_vunmap(struct cma_buf *buf)
{
	guard(mutex)(&buf->lock);

	buf->vmaps--;
	cma_buf_written(buf);
}
