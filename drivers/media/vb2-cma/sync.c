// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cache maintenance: exactly when ownership changes hands, never twice.
 */
#include <linux/cache.h>
#include <linux/dma-mapping.h>
#include <linux/math.h>
#include <linux/module.h>

#include "backend.h"
#include "choice.h"
#include "cma-buf.h"
#include "trace.h"

static const char *const sync_names[] = {
	[CMA_BUF_SYNC_AUTO] = "auto",
	[CMA_BUF_SYNC_CONTRACT] = "contract",
	[CMA_BUF_SYNC_NEVER] = "never",
};

static struct cma_choice sync_choice = {
	.names = sync_names,
	.count = ARRAY_SIZE(sync_names),
	.value = CMA_BUF_SYNC_AUTO,
};

module_param_cb(sync, &cma_choice_ops, &sync_choice, 0644);
MODULE_PARM_DESC(sync,
		 "Cache maintenance of buffers allocated from now on: auto (default: what is needed), contract (all that the DMA API asks for) or never (to measure; wrong where DMA does not snoop)");

/**
 * cma_buf_sync_mode() - the mode for new buffers
 *
 * Return: see &enum cma_buf_sync_mode
 */
enum cma_buf_sync_mode cma_buf_sync_mode(void)
{
	return READ_ONCE(sync_choice.value);
}

/*
 * May a hand-over to the device go without maintenance if the CPU wrote
 * nothing since the last one? Its purpose then can only be to invalidate.
 *
 * - x86, and any machine whose DMA snoops: there is nothing to do at all.
 * - arm64, RISC-V and ARMv7 fetch lines speculatively, so that whatever is
 *   invalidated before the DMA may be back, and stale, after it: they
 *   invalidate when the CPU gets the buffer back (arch_sync_dma_for_cpu()).
 *   Before the DMA they clean, or invalidate, only lest a dirty line be
 *   written back over what the device wrote; without a write since the last
 *   clean no line is dirty, and a clean line is dropped, not written.
 * - Others, such as ARMv5, do not speculate and invalidate before the DMA
 *   only. There it must be done.
 */
static bool unwritten_needs_nothing(void)
{
	return IS_ENABLED(CONFIG_X86) || IS_ENABLED(CONFIG_ARM64) ||
	       IS_ENABLED(CONFIG_RISCV) || IS_ENABLED(CONFIG_CPU_V7);
}

static bool needs_sync(const struct cma_buf *buf)
{
	return buf->sync != CMA_BUF_SYNC_NEVER && !buf->backend->coherent;
}

static void mark_dirty(struct cma_buf *buf)
{
	buf->dirty = true;
	buf->dirty_importers = true;
}

static void count_sync(struct cma_buf *buf, bool for_cpu, size_t bytes,
		       enum cma_buf_reason reason)
{
	if (!bytes)
		return;
	cma_buf_account_sync(buf, for_cpu, bytes);
	trace_vb2_cma_sync(buf, for_cpu, bytes, reason);
}

/*
 * Importers that do not say when they own the buffer, the stock ones, are
 * synchronised on every change of hands that there is.
 */
static void sync_importers(struct cma_buf *buf, bool for_cpu,
			   enum cma_buf_reason reason)
{
	unsigned int devices;

	devices = cma_buf_sync_importers(buf, false, for_cpu, 0, buf->size);
	count_sync(buf, for_cpu, devices * buf->size, reason);
}

/* The engine and all importers: the buffer changes its owner. */
static void sync_range(struct cma_buf *buf, bool for_cpu, size_t offset,
		       size_t size, enum cma_buf_reason reason)
{
	unsigned int devices;

	lockdep_assert_held(&buf->lock);

	devices = cma_buf_sync_importers(buf, true, for_cpu, offset, size) +
		  cma_buf_sync_importers(buf, false, for_cpu, offset, size);
	if (buf->engine && for_cpu)
		dma_sync_single_range_for_cpu(buf->dev, buf->dma_addr, offset,
					      size, buf->dir);
	else if (buf->engine)
		dma_sync_single_range_for_device(buf->dev, buf->dma_addr,
						 offset, size, buf->dir);
	devices += buf->engine;
	count_sync(buf, for_cpu, devices * size, reason);
}

static void skip(struct cma_buf *buf, bool for_cpu, enum cma_buf_skip reason)
{
	cma_buf_account_skip(buf);
	trace_vb2_cma_skip(buf, for_cpu, reason);
}

static bool is_stale(struct cma_buf *buf)
{
	/* Pairs with the release in cma_buf_device_done(). */
	return smp_load_acquire(&buf->owner) == CMA_BUF_STALE;
}

static void make_valid(struct cma_buf *buf, enum cma_buf_reason reason)
{
	lockdep_assert_held(&buf->lock);

	if (!is_stale(buf))
		return;

	if (needs_sync(buf))
		sync_range(buf, true, 0, buf->size, reason);
	WRITE_ONCE(buf->owner, CMA_BUF_CPU);
}

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

static void sync_rect(struct cma_buf *buf, const struct cma_buf_rect *rect)
{
	size_t granule = dma_get_cache_alignment();
	size_t start, end, line;

	/* Lines that touch each other, or nearly, are one piece. */
	if (rect->stride - rect->line_bytes < granule) {
		start = round_down(rect->offset, granule);
		end = rect->offset + (rect->lines - 1) * rect->stride +
		      rect->line_bytes;
		sync_range(buf, true, start,
			   min(round_up(end, granule), buf->size) - start,
			   CMA_BUF_REASON_ROI);
		return;
	}

	for (line = 0; line < rect->lines; line++) {
		size_t first = rect->offset + line * rect->stride;

		start = round_down(first, granule);
		end = min(round_up(first + rect->line_bytes, granule),
			  buf->size);
		sync_range(buf, true, start, end - start, CMA_BUF_REASON_ROI);
	}
}

/*
 * A part of a stale buffer becomes valid; the rest stays stale. Nobody may
 * write to such a part: a line shared with the stale rest would be written
 * back. What several readers look at in turn is synchronised once, as far as
 * there is room to remember it; twice does no harm.
 */
static void make_rect_valid(struct cma_buf *buf,
			    const struct cma_buf_rect *rect)
{
	unsigned int i;

	lockdep_assert_held(&buf->lock);

	for (i = 0; i < buf->rect_count; i++)
		if (contains(&buf->rects[i], rect))
			return;

	if (needs_sync(buf))
		sync_rect(buf, rect);
	if (buf->rect_count < CMA_BUF_RECTS)
		buf->rects[buf->rect_count++] = *rect;
}

static void clean_for_device(struct cma_buf *buf, unsigned int hints)
{
	if (!needs_sync(buf))
		return;

	if (buf->sync == CMA_BUF_SYNC_CONTRACT)
		sync_range(buf, false, 0, buf->size, CMA_BUF_REASON_CONTRACT);
	else if (hints & CMA_BUF_NO_CLEAN)
		skip(buf, false, CMA_BUF_SKIP_HINT);
	else if (unwritten_needs_nothing() && !buf->dirty &&
		 !cma_buf_users_wrote(buf))
		skip(buf, false, CMA_BUF_SKIP_UNWRITTEN);
	else
		sync_range(buf, false, 0, buf->size, CMA_BUF_REASON_QBUF);
}

/**
 * cma_buf_to_device() - hand the buffer to the engine
 * @buf: the buffer
 * @hints: what user space promises for this time, CMA_BUF_NO_*
 *
 * A begin that is still open is closed by this: its owner gave the buffer
 * away. Without that a reader that was killed between begin and end would
 * leave a count behind that suppresses every later synchronisation.
 */
void cma_buf_to_device(struct cma_buf *buf, unsigned int hints)
{
	guard(mutex)(&buf->lock);

	if (buf->begins)
		trace_vb2_cma_reset(buf);
	clean_for_device(buf, hints);

	buf->dirty = false;
	buf->dirty_importers = false;
	buf->begins = 0;
	buf->rect_count = 0;
	buf->unread = hints & CMA_BUF_NO_INVALIDATE;
	buf->cycle++;
	WRITE_ONCE(buf->owner, CMA_BUF_DEVICE);
}

/**
 * cma_buf_device_done() - the engine has finished with the buffer
 * @buf: the buffer
 *
 * Any context. No cache work: nobody may want to look.
 */
void cma_buf_device_done(struct cma_buf *buf)
{
	/*
	 * Whoever sees STALE also sees what led to it. The engine's writes
	 * themselves were ordered by the driver's read barrier behind the
	 * completion entry.
	 */
	smp_store_release(&buf->owner, CMA_BUF_STALE);
}

/**
 * cma_buf_finish() - the buffer goes back to its user
 * @buf: the buffer
 *
 * Process context. Somebody with a mapping may look without asking first, so
 * a mapped buffer is made valid now, unless all who mapped it are known to
 * ask. Otherwise that waits for the first mapping or begin.
 */
void cma_buf_finish(struct cma_buf *buf)
{
	guard(mutex)(&buf->lock);

	if (!is_stale(buf))
		return;

	if (buf->sync != CMA_BUF_SYNC_AUTO)
		make_valid(buf, CMA_BUF_REASON_CONTRACT);
	else if (buf->begins)
		/* Of an access that began too early, while the engine wrote. */
		make_valid(buf, CMA_BUF_REASON_DQBUF);
	else if (buf->unread)
		skip(buf, true, CMA_BUF_SKIP_HINT);
	else if (!buf->vmaps && !buf->unknown.vmas && list_empty(&buf->users))
		skip(buf, true, CMA_BUF_SKIP_UNMAPPED);
	else if (cma_buf_users_disciplined(buf))
		skip(buf, true, CMA_BUF_SKIP_DISCIPLINED);
	else
		make_valid(buf, CMA_BUF_REASON_DQBUF);
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
	if (is_stale(buf)) {
		if (rect && !writes)
			make_rect_valid(buf, rect);
		else
			make_valid(buf, CMA_BUF_REASON_BEGIN);
	} else if (!buf->begins && needs_sync(buf)) {
		sync_importers(buf, true, CMA_BUF_REASON_BEGIN);
	}

	if (writes)
		mark_dirty(buf);
	buf->begins++;
	cma_buf_user_begins(buf);
}

/**
 * cma_buf_end_access() - the CPU has read or written
 * @buf: the buffer
 * @dir: as at its beginning
 *
 * The engine gets the buffer by cma_buf_to_device() only, so that the end of
 * one reader never takes it from another. Importers may use it from now on.
 */
void cma_buf_end_access(struct cma_buf *buf, enum dma_data_direction dir)
{
	guard(mutex)(&buf->lock);

	trace_vb2_cma_end(buf, dir);
	if (!buf->begins || --buf->begins || !needs_sync(buf))
		return;
	if (buf->sync == CMA_BUF_SYNC_AUTO && unwritten_needs_nothing() &&
	    !buf->dirty_importers && !cma_buf_users_wrote(buf))
		return;

	sync_importers(buf, false, CMA_BUF_REASON_END);
	buf->dirty_importers = false;
}

/**
 * cma_buf_mapped() - a CPU mapping comes into being
 * @buf: the buffer, locked
 */
void cma_buf_mapped(struct cma_buf *buf)
{
	make_valid(buf, CMA_BUF_REASON_MMAP);
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
	cma_buf_mapped(buf);
}

/**
 * cma_buf_vunmap() - the kernel's mapping is gone
 * @buf: the buffer
 */
void cma_buf_vunmap(struct cma_buf *buf)
{
	guard(mutex)(&buf->lock);

	buf->vmaps--;
	mark_dirty(buf);
}
