/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cache maintenance. Only sync.c, access.c and mmap.c include this header.
 * These files decide when maintenance takes place.
 */
#ifndef VCMA_SYNC_H
#define VCMA_SYNC_H

#include <linux/bits.h>
#include <linux/types.h>

#include "trace.h"

struct vcma_buf;

/*
 * Flags that select the devices for an operation. VCMA_TAKERS selects the
 * devices whose drivers announce ownership. VCMA_STOCK selects the stock
 * importers. See &vcma_view.announces.
 */
#define VCMA_TAKERS	BIT(0)
#define VCMA_STOCK	BIT(1)
#define VCMA_ALL	(VCMA_TAKERS | VCMA_STOCK)

bool vcma_needs_sync(const struct vcma_buf *buf);
bool vcma_is_stale(struct vcma_buf *buf);
size_t vcma_sync_views(struct vcma_buf *buf, unsigned int which,
		       bool for_cpu, size_t offset, size_t size);
void vcma_count_sync(struct vcma_buf *buf, bool for_cpu, size_t bytes,
		     enum vcma_reason reason);
void vcma_sync_all(struct vcma_buf *buf, unsigned int which, bool for_cpu,
		   enum vcma_reason reason);
void vcma_make_valid(struct vcma_buf *buf, enum vcma_reason reason);
void vcma_clean_for_stock(struct vcma_buf *buf, bool wrote,
			  enum vcma_reason reason);
bool vcma_show_stock(struct vcma_buf *buf);

#endif
