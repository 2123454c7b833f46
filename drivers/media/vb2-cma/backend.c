// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choice of the backend.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/vmstat.h>

#include "backend.h"
#include "choice.h"
#include "vcma-buf.h"

/* In the order of the table below, after what is no backend itself. */
enum { BACKEND_AUTO };

static const char *const backend_names[] = {
	"auto", "cma", "contig", "carveout", "coherent",
};

static const struct vcma_backend *const backends[] = {
	NULL,
	&vcma_backend_cma,
	&vcma_backend_contig,
	&vcma_backend_carveout,
	&vcma_backend_coherent,
};

static struct vcma_choice backend_choice = {
	.names = backend_names,
	.count = ARRAY_SIZE(backend_names),
	.value = BACKEND_AUTO,
};

module_param_cb(backend, &vcma_choice_ops, &backend_choice, 0644);
MODULE_PARM_DESC(backend,
		 "Source of the buffers' memory: auto (default; cma, or contig if cma fails), cma, contig (any RAM; the pages can be pinned for a long time), carveout (memory of the parameter carveout) or coherent (coherent memory, for comparison)");

/*
 * alloc_contig_range() isolates the page blocks of its range. If it finds one
 * that another caller has isolated, it fails, and on its way out it ends the
 * isolation of the whole range, that of the other caller included. Kernels
 * with CONFIG_DEBUG_VM then stop at a BUG, and on others both calls fail. So
 * backends that isolate page blocks do so one after the other. A process that
 * waits for its turn can be killed. Other users of alloc_contig_range(), such
 * as huge pages, are out of reach of this lock. Pages are zeroed without the
 * lock where that is possible, because it takes longer than to find them.
 *
 * It is taken under the lock of a queue. Nothing that the kernel does to find
 * memory allocates a buffer, so the lock is never taken twice.
 */
DEFINE_MUTEX(vcma_isolation_lock);

/*
 * With a fatal signal pending alloc_contig_range() refuses each range, and
 * alloc_contig_pages() tries all that the machine has, one after the other:
 * a process that is killed would take minutes to end, with its queue locked.
 */
static int alloc_from(const struct vcma_backend *backend, struct vcma_buf *buf,
		      gfp_t gfp)
{
	if (fatal_signal_pending(current))
		return -EINTR;

	buf->backend = backend;

	return backend->alloc(buf, gfp);
}

/**
 * vcma_backend_alloc() - allocate the memory of a buffer
 * @buf: the buffer; what it needs to have is set
 * @gfp: flags beyond GFP_KERNEL
 *
 * Return: 0 or a negative error code
 */
int vcma_backend_alloc(struct vcma_buf *buf, gfp_t gfp)
{
	unsigned int chosen = READ_ONCE(backend_choice.value);
	int ret;

	vcma_reach_reset();

	/*
	 * Memory is coherent with the device it was allocated for. Without one,
	 * those that import it later would see anything.
	 */
	if (chosen != BACKEND_AUTO &&
	    (buf->has_engine || !backends[chosen]->coherent))
		return alloc_from(backends[chosen], buf, gfp);

	/* If the area is too small, this fails at once. */
	ret = alloc_from(&vcma_backend_cma, buf, gfp);
	if (!ret)
		return 0;

	return alloc_from(&vcma_backend_contig, buf, gfp);
}

/**
 * vcma_backend_clear() - zero the pages of a new buffer
 * @buf: the buffer; nobody else knows it
 *
 * A page at a time, because the kernel may have no mapping of its own of these
 * pages (highmem). The zeroes are in the cache then. They are cleaned when a
 * device gets the buffer for the first time; see &vcma_view.must_clean and
 * vcma_write_back(). Through which mapping they were written does not matter,
 * because vb2-cma does not load where the data cache has aliases.
 */
void vcma_backend_clear(const struct vcma_buf *buf)
{
	unsigned long i;

	for (i = 0; i < buf->size >> PAGE_SHIFT; i++) {
		clear_highpage(buf->page + i);
		cond_resched();
	}
}

/**
 * vcma_backend_room() - say how much memory there is
 * @text: where to
 * @len: room there
 *
 * Return: characters written
 */
int vcma_backend_room(char *text, size_t len)
{
	unsigned int chosen = READ_ONCE(backend_choice.value);
	const struct vcma_backend *backend = backends[chosen];
	bool has_room = backend && backend->room;
	int n = 0, refused;

	if (chosen == BACKEND_AUTO)
		n = vcma_backend_cma.room(text, len);
	else if (has_room)
		n = backend->room(text, len);
	if (!has_room)
		/* A machine with addresses of 32 bits may have more RAM. */
		n += scnprintf(text + n, len - n, "%s%llu bytes of RAM free",
			       n ? ", " : "",
			       (u64)global_zone_page_state(NR_FREE_PAGES) <<
			       PAGE_SHIFT);

	refused = vcma_reach_room(text + n, len - n);
	if (!refused && !has_room)
		refused = scnprintf(text + n, len - n,
				    " but not in one piece");

	return n + refused;
}

/**
 * vcma_backend_advice() - say what to set for more memory
 * @text: where to
 * @len: room there
 * @wanted: bytes that are held and missing
 *
 * Return: characters written
 */
int vcma_backend_advice(char *text, size_t len, u64 wanted)
{
	unsigned int chosen = READ_ONCE(backend_choice.value);
	const struct vcma_backend *backend = backends[chosen];

	if (backend && backend->advice)
		return backend->advice(text, len, wanted);

	return vcma_backend_cma.advice(text, len, wanted);
}
