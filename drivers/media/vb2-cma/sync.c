// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ownership: cache maintenance exactly when a buffer changes hands, never
 * twice. What the CPU asks for meanwhile is in access.c.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>

#include "backend.h"
#include "choice.h"
#include "cma-buf.h"
#include "sync.h"
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

/**
 * cma_buf_needs_sync() - is there ever any maintenance?
 * @buf: the buffer
 *
 * Return: false if its memory or its mode asks for none
 */
bool cma_buf_needs_sync(const struct cma_buf *buf)
{
	return buf->sync != CMA_BUF_SYNC_NEVER && !buf->backend->coherent;
}

static bool is_meant(const struct cma_buf_view *view, unsigned int which)
{
	if (view->announces)
		return which & CMA_BUF_TAKERS && view->taken;

	return which & CMA_BUF_STOCK;
}

/**
 * cma_buf_sync_views() - maintenance of a range
 * @buf: the buffer, locked
 * @which: devices that are meant, CMA_BUF_TAKERS and CMA_BUF_STOCK
 * @for_cpu: for the CPU, else for the devices
 * @offset: first byte
 * @size: bytes
 *
 * Return: bytes for cma_buf_count_sync(), the sum over the devices
 */
size_t cma_buf_sync_views(struct cma_buf *buf, unsigned int which,
			  bool for_cpu, size_t offset, size_t size)
{
	struct cma_buf_view *view;
	size_t bytes = 0;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(view, &buf->views, list) {
		/* What only reads leaves the CPU's view as it was. */
		if (!is_meant(view, which) ||
		    (for_cpu && view->dir == DMA_TO_DEVICE))
			continue;

		if (for_cpu)
			dma_sync_single_range_for_cpu(view->dev, view->addr,
						      offset, size, view->dir);
		else
			dma_sync_single_range_for_device(view->dev, view->addr,
							 offset, size,
							 view->dir);
		bytes += size;
	}

	return bytes;
}

/**
 * cma_buf_count_sync() - count and trace what was done
 * @buf: the buffer, locked
 * @for_cpu: for the CPU, else for the devices
 * @bytes: how much
 * @reason: see &enum cma_buf_reason
 */
void cma_buf_count_sync(struct cma_buf *buf, bool for_cpu, size_t bytes,
			enum cma_buf_reason reason)
{
	if (!bytes)
		return;
	cma_buf_account_sync(buf, for_cpu, bytes);
	trace_vb2_cma_sync(buf, for_cpu, bytes, reason);
}

/**
 * cma_buf_sync_all() - maintenance of the whole buffer, counted
 * @buf: the buffer, locked
 * @which: devices that are meant, CMA_BUF_TAKERS and CMA_BUF_STOCK
 * @for_cpu: for the CPU, else for the devices
 * @reason: see &enum cma_buf_reason
 */
void cma_buf_sync_all(struct cma_buf *buf, unsigned int which, bool for_cpu,
		      enum cma_buf_reason reason)
{
	size_t bytes = cma_buf_sync_views(buf, which, for_cpu, 0, buf->size);

	cma_buf_count_sync(buf, for_cpu, bytes, reason);
}

static void skip(struct cma_buf *buf, bool for_cpu, enum cma_buf_skip reason)
{
	cma_buf_account_skip(buf);
	trace_vb2_cma_skip(buf, for_cpu, reason);
}

/**
 * cma_buf_is_stale() - has an engine written what the CPU cannot see yet?
 * @buf: the buffer
 *
 * Return: whether its owner is CMA_BUF_STALE
 */
bool cma_buf_is_stale(struct cma_buf *buf)
{
	/* Pairs with the release in cma_buf_device_done(). */
	return smp_load_acquire(&buf->owner) == CMA_BUF_STALE;
}

static void forget_takers(struct cma_buf *buf)
{
	struct cma_buf_view *view;

	list_for_each_entry(view, &buf->views, list)
		view->taken = false;
}

/**
 * cma_buf_make_valid() - a stale buffer becomes the CPU's
 * @buf: the buffer, locked
 * @reason: see &enum cma_buf_reason
 */
void cma_buf_make_valid(struct cma_buf *buf, enum cma_buf_reason reason)
{
	lockdep_assert_held(&buf->lock);

	/* Claimed first: see enum cma_buf_owner. */
	if (cmpxchg(&buf->owner, CMA_BUF_STALE, CMA_BUF_CPU) == CMA_BUF_STALE)
		buf->unsynced = true;
	if (!buf->unsynced)
		return;

	if (cma_buf_needs_sync(buf))
		cma_buf_sync_all(buf, CMA_BUF_ALL, true, reason);
	buf->unsynced = false;
	/* What wrote it before a device that only reads got it is done with. */
	if (READ_ONCE(buf->owner) == CMA_BUF_DEVICE)
		forget_takers(buf);
}

/* Returns whether the device gets the buffer without dirty lines. */
static bool clean_for(struct cma_buf *buf, const struct cma_buf_view *view,
		      unsigned int hints)
{
	bool written = view->dirty || cma_buf_users_wrote(buf);

	if (!cma_buf_needs_sync(buf))
		return false;

	if (buf->sync == CMA_BUF_SYNC_CONTRACT) {
		cma_buf_sync_all(buf, CMA_BUF_ALL, false,
				 CMA_BUF_REASON_CONTRACT);
		return true;
	}
	/*
	 * A promise not to have written cannot hold for what the kernel wrote.
	 * Were its zeroes invalidated, what was in RAM before would show.
	 */
	if (hints & CMA_BUF_NO_CLEAN && !view->fresh) {
		skip(buf, false, CMA_BUF_SKIP_HINT);
		return false;
	}
	if (unwritten_needs_nothing() && !written) {
		skip(buf, false, CMA_BUF_SKIP_UNWRITTEN);
		return true;
	}
	cma_buf_sync_all(buf, CMA_BUF_ALL, false, CMA_BUF_REASON_QBUF);

	return true;
}

/**
 * cma_buf_to_device() - hand the buffer to a device
 * @buf: the buffer
 * @view: of the device, which announces
 * @hints: what user space promises for this time, CMA_BUF_NO_*
 *
 * A begin that is still open is closed by this: its owner gave the buffer
 * away. Without that a reader that was killed between begin and end would
 * leave a count behind that suppresses every later synchronisation.
 *
 * A device that only reads leaves a stale buffer stale for the CPU, which may
 * read beside it.
 */
void cma_buf_to_device(struct cma_buf *buf, struct cma_buf_view *view,
		       unsigned int hints)
{
	guard(mutex)(&buf->lock);

	buf->unsynced = view->dir == DMA_TO_DEVICE &&
			(buf->unsynced || cma_buf_is_stale(buf));
	if (!buf->unsynced)
		forget_takers(buf);
	view->taken = true;

	if (buf->begins)
		trace_vb2_cma_reset(buf);
	if (clean_for(buf, view, hints)) {
		view->dirty = false;
		view->fresh = false;
	}

	cma_buf_users_reset(buf);
	buf->rect_count = 0;
	buf->unread = hints & CMA_BUF_NO_INVALIDATE;
	/* Planes that share a buffer hand it over once each. */
	if (READ_ONCE(buf->owner) != CMA_BUF_DEVICE)
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

	if (!cma_buf_is_stale(buf))
		return;

	if (buf->sync != CMA_BUF_SYNC_AUTO)
		cma_buf_make_valid(buf, CMA_BUF_REASON_CONTRACT);
	else if (buf->begins)
		/* Of an access that began too early, while the engine wrote. */
		cma_buf_make_valid(buf, CMA_BUF_REASON_DQBUF);
	else if (buf->unread)
		skip(buf, true, CMA_BUF_SKIP_HINT);
	else if (!cma_buf_is_mapped(buf))
		skip(buf, true, CMA_BUF_SKIP_UNMAPPED);
	else if (cma_buf_users_disciplined(buf))
		skip(buf, true, CMA_BUF_SKIP_DISCIPLINED);
	else
		cma_buf_make_valid(buf, CMA_BUF_REASON_DQBUF);
}

/**
 * cma_buf_clean_for_stock() - show stock importers what the CPU wrote
 * @buf: the buffer, locked
 *
 * They do not ask for it.
 */
void cma_buf_clean_for_stock(struct cma_buf *buf)
{
	bool wrote = cma_buf_users_wrote(buf);
	struct cma_buf_view *view;

	list_for_each_entry(view, &buf->views, list) {
		if (view->announces)
			continue;
		wrote |= view->dirty;
		view->dirty = false;
	}

	if (wrote || !unwritten_needs_nothing() ||
	    buf->sync == CMA_BUF_SYNC_CONTRACT)
		cma_buf_sync_all(buf, CMA_BUF_STOCK, false, CMA_BUF_REASON_END);
}

/**
 * cma_buf_written() - the CPU may have written
 * @buf: the buffer, locked
 */
void cma_buf_written(struct cma_buf *buf)
{
	struct cma_buf_view *view;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(view, &buf->views, list)
		view->dirty = true;
}

/**
 * cma_buf_view_add() - a device sees the buffer from now on
 * @buf: the buffer, locked or not yet known to anybody
 * @view: its view, filled in
 *
 * For a stock importer the mapping was made with all maintenance. For others
 * there was none: that comes when they get the buffer.
 */
void cma_buf_view_add(struct cma_buf *buf, struct cma_buf_view *view)
{
	view->taken = false;
	view->fresh = true;
	view->dirty = view->announces;
	if (view->dir == DMA_FROM_DEVICE)
		list_add_tail(&view->list, &buf->views);
	else
		list_add(&view->list, &buf->views);

	if (!view->announces && cma_buf_needs_sync(buf))
		cma_buf_count_sync(buf, false, buf->size,
				   CMA_BUF_REASON_IMPORT);
}

/**
 * cma_buf_view_del() - a device is about to lose sight of the buffer
 * @buf: the buffer, locked
 * @view: its view
 *
 * What only this device knows of is made valid while there is a way to. The
 * mapping of a stock importer is then undone with all maintenance, which
 * invalidates, so that what the CPU wrote must be cleaned before.
 */
void cma_buf_view_del(struct cma_buf *buf, struct cma_buf_view *view)
{
	lockdep_assert_held(&buf->lock);

	if (view->announces) {
		if (view->taken)
			cma_buf_make_valid(buf, CMA_BUF_REASON_IMPORT);
	} else if (cma_buf_needs_sync(buf)) {
		if (view->dirty || cma_buf_users_wrote(buf))
			cma_buf_clean_for_stock(buf);
		cma_buf_count_sync(buf, true, view->dir == DMA_TO_DEVICE ? 0 :
			   buf->size, CMA_BUF_REASON_IMPORT);
	}
	list_del(&view->list);
}
