// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ownership: cache maintenance exactly when a buffer changes hands, never
 * twice. What the CPU asks for meanwhile is in access.c.
 */
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "../compat.h"
#include "backend.h"
#include "choice.h"
#include "vcma-buf.h"
#include "sync.h"
#include "trace.h"

static const char *const sync_names[] = {
	[VCMA_SYNC_AUTO] = "auto",
	[VCMA_SYNC_CONTRACT] = "contract",
};

static struct vcma_choice sync_choice = {
	.names = sync_names,
	.count = ARRAY_SIZE(sync_names),
	.value = VCMA_SYNC_AUTO,
};

module_param_cb(sync, &vcma_choice_ops, &sync_choice, 0644);
MODULE_PARM_DESC(sync,
		 "Cache maintenance of newly allocated buffers: auto (default; only necessary maintenance) or contract (maintenance of the whole buffer at every QBUF and DQBUF)");

/**
 * vcma_sync_mode() - the mode for new buffers
 *
 * Return: see &enum vcma_sync_mode
 */
enum vcma_sync_mode vcma_sync_mode(void)
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
 *   Before the DMA they clean, or invalidate, only so that no dirty line
 *   is written back over what the device wrote; without a write since the last
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
 * vcma_needs_sync() - is there ever any maintenance?
 * @buf: the buffer
 *
 * Return: false if its memory is coherent or write-combining
 */
bool vcma_needs_sync(const struct vcma_buf *buf)
{
	return !buf->backend->coherent && !buf->wc;
}

static void drain_write_buffers(void)
{
	/*
	 * What the CPU wrote to memory without maintenance may still be in its
	 * write buffers. A writel() of the device's driver drains them, but an
	 * importer may be told in another way, or from another CPU. On x86,
	 * dma_wmb() would not do: it only stops the compiler, and the CPU may
	 * reorder write-combining stores.
	 */
	wmb();
}

static bool is_meant(const struct vcma_view *view, unsigned int which)
{
	if (view->announces)
		return which & VCMA_TAKERS && view->taken;

	return which & VCMA_STOCK;
}

/**
 * vcma_sync_views() - maintenance of a range
 * @buf: the buffer, locked
 * @which: devices that are meant, VCMA_TAKERS and VCMA_STOCK
 * @for_cpu: for the CPU, else for the devices
 * @offset: first byte
 * @size: bytes
 *
 * Return: bytes for vcma_count_sync(), the sum over the devices
 */
size_t vcma_sync_views(struct vcma_buf *buf, unsigned int which,
		       bool for_cpu, size_t offset, size_t size)
{
	struct vcma_view *view;
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
 * vcma_count_sync() - count and trace what was done
 * @buf: the buffer, locked
 * @for_cpu: for the CPU, else for the devices
 * @bytes: how much
 * @reason: see &enum vcma_reason
 */
void vcma_count_sync(struct vcma_buf *buf, bool for_cpu, size_t bytes,
		     enum vcma_reason reason)
{
	if (!bytes)
		return;
	vcma_account_sync(buf, for_cpu, bytes);
	trace_vb2_cma_sync(buf, for_cpu, bytes, reason);
}

/**
 * vcma_sync_all() - maintenance of the whole buffer, counted
 * @buf: the buffer, locked
 * @which: devices that are meant, VCMA_TAKERS and VCMA_STOCK
 * @for_cpu: for the CPU, else for the devices
 * @reason: see &enum vcma_reason
 */
void vcma_sync_all(struct vcma_buf *buf, unsigned int which, bool for_cpu,
		   enum vcma_reason reason)
{
	size_t bytes = vcma_sync_views(buf, which, for_cpu, 0, buf->size);

	vcma_count_sync(buf, for_cpu, bytes, reason);
}

static void skip(struct vcma_buf *buf, bool for_cpu, enum vcma_skip reason)
{
	vcma_account_skip(buf);
	trace_vb2_cma_skip(buf, for_cpu, reason);
}

/**
 * vcma_is_stale() - has an engine written what the CPU cannot see yet?
 * @buf: the buffer
 *
 * Return: whether its owner is VCMA_STALE
 */
bool vcma_is_stale(struct vcma_buf *buf)
{
	/* Pairs with the release in vcma_device_done(). */
	return smp_load_acquire(&buf->owner) == VCMA_STALE;
}

/*
 * May a device read through the caches of the CPU? Where the DMA API has
 * nothing to synchronise, it does.
 */
static bool may_snoop(const struct vcma_view *view)
{
	return !dma_need_sync(view->dev, view->addr) ||
	       compat_dma_may_snoop(view->dev);
}

/*
 * Stale lines hide what was written from the CPU and from every device that
 * snoops. There are none if what wrote it snoops as well.
 */
static bool is_hidden_by_caches(struct vcma_buf *buf)
{
	struct vcma_view *view;

	if (!vcma_needs_sync(buf) || !(vcma_is_stale(buf) || buf->unsynced))
		return false;

	list_for_each_entry(view, &buf->views, list)
		if (view->announces && view->taken &&
		    dma_need_sync(view->dev, view->addr))
			return true;

	return false;
}

/* Stock importers do not tell when they read. Others get the buffer before. */
static bool has_snooping_reader(const struct vcma_buf *buf)
{
	const struct vcma_view *view;

	list_for_each_entry(view, &buf->views, list)
		if (!view->announces && view->dir != DMA_FROM_DEVICE &&
		    may_snoop(view))
			return true;

	return false;
}

/*
 * A device that snoops may write into the caches, as the CPU does. For other
 * devices these lines are dirty.
 */
static void note_cached_writes(struct vcma_buf *buf,
			       const struct vcma_view *writer)
{
	struct vcma_view *view;

	if (writer->dir == DMA_TO_DEVICE || !may_snoop(writer) ||
	    (writer->announces && !writer->taken))
		return;

	list_for_each_entry(view, &buf->views, list)
		if (view != writer && dma_need_sync(view->dev, view->addr)) {
			view->dirty = true;
			view->must_clean = true;
		}
}

static void note_all_cached_writes(struct vcma_buf *buf)
{
	const struct vcma_view *view;

	list_for_each_entry(view, &buf->views, list)
		note_cached_writes(buf, view);
}

static void forget_takers(struct vcma_buf *buf)
{
	struct vcma_view *view;

	list_for_each_entry(view, &buf->views, list)
		view->taken = false;
}

/**
 * vcma_make_valid() - a stale buffer becomes the CPU's
 * @buf: the buffer, locked
 * @reason: see &enum vcma_reason
 */
void vcma_make_valid(struct vcma_buf *buf, enum vcma_reason reason)
{
	lockdep_assert_held(&buf->lock);

	/* Claimed first: see enum vcma_owner. */
	if (cmpxchg(&buf->owner, VCMA_STALE, VCMA_CPU) == VCMA_STALE)
		buf->unsynced = true;
	if (!buf->unsynced)
		return;

	if (vcma_needs_sync(buf))
		vcma_sync_all(buf, VCMA_ALL, true, reason);
	buf->unsynced = false;
	/* What wrote it before a device that only reads got it is done with. */
	if (READ_ONCE(buf->owner) == VCMA_DEVICE)
		forget_takers(buf);
}

/* Returns whether the device gets the buffer without dirty lines. */
static bool clean_for(struct vcma_buf *buf, const struct vcma_view *view,
		      unsigned int hints)
{
	bool written = view->dirty || vcma_users_wrote(buf);

	if (!vcma_needs_sync(buf)) {
		drain_write_buffers();
		return false;
	}

	if (buf->sync == VCMA_SYNC_CONTRACT) {
		vcma_sync_all(buf, VCMA_ALL, false, VCMA_REASON_CONTRACT);
		return true;
	}
	/*
	 * A program cannot promise that nobody else wrote. If the zeroes of the
	 * kernel were invalidated, what was in RAM before would show.
	 */
	if (hints & VCMA_NO_CLEAN && !view->must_clean) {
		skip(buf, false, VCMA_SKIP_HINT);
		return false;
	}
	if (unwritten_needs_nothing() && !written) {
		skip(buf, false, VCMA_SKIP_UNWRITTEN);
		return true;
	}
	vcma_sync_all(buf, VCMA_ALL, false, VCMA_REASON_QBUF);

	return true;
}

/**
 * vcma_to_device() - hand the buffer to a device
 * @buf: the buffer
 * @view: of the device, which announces
 * @hints: what user space promises for this time, VCMA_NO_*
 *
 * A begin that is still open is closed by this: its owner gave the buffer
 * away. Without that a reader that was killed between begin and end would
 * leave a count behind that suppresses every later synchronisation.
 *
 * A device that only reads leaves a stale buffer stale for the CPU, which may
 * read beside it. One that snoops sees what the CPU sees, so the buffer is made
 * valid for it.
 */
void vcma_to_device(struct vcma_buf *buf, struct vcma_view *view,
		    unsigned int hints)
{
	guard(mutex)(&buf->lock);

	if (view->dir != DMA_FROM_DEVICE && may_snoop(view) &&
	    is_hidden_by_caches(buf))
		vcma_make_valid(buf, VCMA_REASON_SNOOP);
	note_all_cached_writes(buf);

	buf->unsynced = view->dir == DMA_TO_DEVICE &&
			(buf->unsynced || vcma_is_stale(buf));
	if (!buf->unsynced)
		forget_takers(buf);
	view->taken = true;

	if (buf->begins)
		trace_vb2_cma_reset(buf);
	if (clean_for(buf, view, hints)) {
		view->dirty = false;
		view->must_clean = false;
	}

	vcma_users_reset(buf);
	buf->rect_count = 0;
	buf->early = false;
	buf->unread = hints & VCMA_NO_INVALIDATE;
	WRITE_ONCE(buf->owner, VCMA_DEVICE);
}

/**
 * vcma_device_done() - the engine has finished with the buffer
 * @buf: the buffer
 *
 * Any context. No cache work: nobody may want to look.
 */
void vcma_device_done(struct vcma_buf *buf)
{
	/*
	 * Whoever sees STALE also sees what led to it. The engine's writes
	 * themselves were ordered by the driver's read barrier behind the
	 * completion entry.
	 */
	smp_store_release(&buf->owner, VCMA_STALE);
}

/**
 * vcma_finish() - the buffer goes back to its user
 * @buf: the buffer
 *
 * Process context. Somebody with a mapping may look without asking first, so
 * a mapped buffer is made valid now, unless all who mapped it are known to
 * ask. A device that snoops never asks. Otherwise that waits for the first
 * mapping or begin.
 */
void vcma_finish(struct vcma_buf *buf)
{
	guard(mutex)(&buf->lock);

	if (!vcma_is_stale(buf))
		return;

	if (buf->sync == VCMA_SYNC_CONTRACT)
		vcma_make_valid(buf, VCMA_REASON_CONTRACT);
	else if (buf->early)
		vcma_make_valid(buf, VCMA_REASON_DQBUF);
	else if (has_snooping_reader(buf) && is_hidden_by_caches(buf))
		vcma_make_valid(buf, VCMA_REASON_SNOOP);
	else if (buf->unread)
		skip(buf, true, VCMA_SKIP_HINT);
	else if (!vcma_is_mapped(buf))
		skip(buf, true, VCMA_SKIP_UNMAPPED);
	else if (vcma_users_disciplined(buf))
		skip(buf, true, VCMA_SKIP_DISCIPLINED);
	else
		vcma_make_valid(buf, VCMA_REASON_DQBUF);
}

/**
 * vcma_clean_for_stock() - show stock importers what the CPU wrote
 * @buf: the buffer, locked
 * @wrote: whether it did
 * @reason: see &enum vcma_reason
 *
 * They do not ask for it.
 */
void vcma_clean_for_stock(struct vcma_buf *buf, bool wrote,
			  enum vcma_reason reason)
{
	struct vcma_view *view;

	if (!vcma_needs_sync(buf)) {
		drain_write_buffers();
		return;
	}
	if (!wrote && unwritten_needs_nothing() &&
	    buf->sync != VCMA_SYNC_CONTRACT)
		return;

	list_for_each_entry(view, &buf->views, list) {
		if (view->announces)
			continue;
		if (view->dir == DMA_FROM_DEVICE)
			vcma_write_back(buf, view->dev);
		view->dirty = false;
	}
	vcma_sync_all(buf, VCMA_STOCK, false, reason);
}

static bool is_dirty_for_stock(const struct vcma_buf *buf)
{
	const struct vcma_view *view;

	list_for_each_entry(view, &buf->views, list)
		if (!view->announces && view->dirty)
			return true;

	return false;
}

/**
 * vcma_show_stock() - may the CPU's view of what stock importers wrote be
 * renewed?
 * @buf: the buffer, locked
 *
 * They do not tell when they have written, so that each begin of an access
 * drops the lines of the CPU. What was written without an access, or in one
 * that has no end, is written back before.
 *
 * Return: false if a thread is writing: its lines must stay, and a device has
 * not written since its begin
 */
bool vcma_show_stock(struct vcma_buf *buf)
{
	if (!vcma_needs_sync(buf) || vcma_users_write(buf, task_pid(current)))
		return false;
	if (is_dirty_for_stock(buf) || vcma_users_wrote(buf))
		vcma_clean_for_stock(buf, true, VCMA_REASON_BEGIN);

	return true;
}

/**
 * vcma_written() - the CPU may have written
 * @buf: the buffer, locked
 */
void vcma_written(struct vcma_buf *buf)
{
	struct vcma_view *view;

	lockdep_assert_held(&buf->lock);

	list_for_each_entry(view, &buf->views, list)
		view->dirty = true;
}

/**
 * vcma_view_add() - a device sees the buffer from now on
 * @buf: the buffer, locked or not yet known to anybody
 * @view: its view, filled in
 *
 * For a stock importer the mapping was made with all maintenance. For others
 * there was none: that comes when they get the buffer. What the caches hide
 * from one that snoops is made valid.
 */
void vcma_view_add(struct vcma_buf *buf, struct vcma_view *view)
{
	view->taken = false;
	view->must_clean = true;
	view->dirty = view->announces;
	if (!view->announces && may_snoop(view) && is_hidden_by_caches(buf))
		vcma_make_valid(buf, VCMA_REASON_SNOOP);

	if (view->dir == DMA_FROM_DEVICE)
		list_add_tail(&view->list, &buf->views);
	else
		list_add(&view->list, &buf->views);

	if (!view->announces && vcma_needs_sync(buf))
		vcma_count_sync(buf, false, buf->size, VCMA_REASON_IMPORT);
}

/**
 * vcma_view_again() - a device that sees the buffer maps it once more
 * @buf: the buffer, locked
 * @view: its view
 *
 * For a stock importer, each new mapping comes with all maintenance.
 */
void vcma_view_again(struct vcma_buf *buf, struct vcma_view *view)
{
	lockdep_assert_held(&buf->lock);

	if (view->announces)
		return;
	if (may_snoop(view) && is_hidden_by_caches(buf))
		vcma_make_valid(buf, VCMA_REASON_SNOOP);
	vcma_clean_for_stock(buf, true, VCMA_REASON_IMPORT);
}

/**
 * vcma_view_del() - a device is about to lose sight of the buffer
 * @buf: the buffer, locked
 * @view: its view
 *
 * What only this device knows of is made valid while there is a way to. The
 * mapping of a stock importer is then undone with all maintenance, which
 * invalidates, so that what the CPU wrote must be cleaned before.
 */
void vcma_view_del(struct vcma_buf *buf, struct vcma_view *view)
{
	lockdep_assert_held(&buf->lock);

	note_cached_writes(buf, view);
	if (view->announces) {
		if (view->taken)
			vcma_make_valid(buf, VCMA_REASON_IMPORT);
	} else if (vcma_needs_sync(buf)) {
		vcma_clean_for_stock(buf, view->dirty || vcma_users_wrote(buf),
				     VCMA_REASON_IMPORT);
		vcma_count_sync(buf, true, view->dir == DMA_TO_DEVICE ? 0 :
			   buf->size, VCMA_REASON_IMPORT);
	}
	list_del(&view->list);
}
