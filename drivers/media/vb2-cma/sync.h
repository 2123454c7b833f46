/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cache maintenance, for those who decide when: sync.c, access.c and mmap.c.
 */
#ifndef CMA_SYNC_H
#define CMA_SYNC_H

#include <linux/bits.h>
#include <linux/types.h>

#include "trace.h"

struct cma_buf;

/* Which devices are meant: those that announce, the stock importers, both */
#define CMA_BUF_TAKERS	BIT(0)
#define CMA_BUF_STOCK	BIT(1)
#define CMA_BUF_ALL	(CMA_BUF_TAKERS | CMA_BUF_STOCK)

bool cma_buf_needs_sync(const struct cma_buf *buf);
bool cma_buf_is_stale(struct cma_buf *buf);
size_t cma_buf_sync_views(struct cma_buf *buf, unsigned int which,
			  bool for_cpu, size_t offset, size_t size);
void cma_buf_count_sync(struct cma_buf *buf, bool for_cpu, size_t bytes,
			enum cma_buf_reason reason);
void cma_buf_sync_all(struct cma_buf *buf, unsigned int which, bool for_cpu,
		      enum cma_buf_reason reason);
void cma_buf_make_valid(struct cma_buf *buf, enum cma_buf_reason reason);
void cma_buf_clean_for_stock(struct cma_buf *buf);

#endif
