// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cache maintenance: exactly when ownership changes hands, never twice.
 */
#include <linux/dma-mapping.h>

#include "cma-buf.h"

/*
 * The device's own mapping is synchronised by ownership. Importers on other
 * devices are not known to own or release the buffer at any moment, so they
 * are synchronised on every change of hands.
 */
static void cma_buf_make_valid(struct cma_buf *buf)
{
	lockdep_assert_held(&buf->lock);

	/* Pairs with the release in cma_buf_device_done(). */
	if (smp_load_acquire(&buf->owner) != CMA_BUF_STALE)
		return;

	dma_sync_single_for_cpu(buf->dev, buf->dma_addr, buf->size, buf->dir);
	cma_buf_sync_importers(buf, true);
	WRITE_ONCE(buf->owner, CMA_BUF_CPU);
}

/**
 * cma_buf_to_device() - hand the buffer to the engine
 * @buf: the buffer
 *
 * A begin that is still open is closed by this: its owner gave the buffer
 * away. Without that a reader that was killed between begin and end would
 * leave a count behind that suppresses every later synchronisation.
 */
void cma_buf_to_device(struct cma_buf *buf)
{
	guard(mutex)(&buf->lock);

	dma_sync_single_for_device(buf->dev, buf->dma_addr, buf->size,
				   buf->dir);
	cma_buf_sync_importers(buf, false);
	buf->begins = 0;
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
 * a mapped buffer is made valid now; otherwise that waits for the first
 * mapping or begin.
 */
void cma_buf_finish(struct cma_buf *buf)
{
	guard(mutex)(&buf->lock);

	if (buf->maps)
		cma_buf_make_valid(buf);
}

/**
 * cma_buf_begin_access() - the CPU is about to read or write
 * @buf: the buffer
 */
void cma_buf_begin_access(struct cma_buf *buf)
{
	guard(mutex)(&buf->lock);

	if (READ_ONCE(buf->owner) == CMA_BUF_STALE)
		cma_buf_make_valid(buf);
	else if (!buf->begins)
		cma_buf_sync_importers(buf, true);
	buf->begins++;
}

/**
 * cma_buf_end_access() - the CPU has read or written
 * @buf: the buffer
 *
 * The engine gets the buffer by cma_buf_to_device() only, so that the end of
 * one reader never takes it from another. Importers may use it from now on.
 */
void cma_buf_end_access(struct cma_buf *buf)
{
	guard(mutex)(&buf->lock);

	if (!buf->begins || --buf->begins)
		return;
	cma_buf_sync_importers(buf, false);
}

/**
 * cma_buf_map_cpu() - a CPU mapping comes into being
 * @buf: the buffer
 */
void cma_buf_map_cpu(struct cma_buf *buf)
{
	guard(mutex)(&buf->lock);

	buf->maps++;
	cma_buf_make_valid(buf);
}

/**
 * cma_buf_unmap_cpu() - a CPU mapping is gone
 * @buf: the buffer
 */
void cma_buf_unmap_cpu(struct cma_buf *buf)
{
	guard(mutex)(&buf->lock);

	buf->maps--;
}
