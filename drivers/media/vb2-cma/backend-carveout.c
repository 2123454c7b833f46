// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that was kept from the kernel.
 */
#include <linux/errno.h>

#include "backend.h"
#include "cma-buf.h"

static int carveout_alloc(struct cma_buf *buf, gfp_t gfp)
{
	return -ENODEV;
}

static void carveout_free(struct cma_buf *buf)
{
}

const struct cma_backend cma_backend_carveout = {
	.name = "carveout",
	.longterm = true,
	.alloc = carveout_alloc,
	.free = carveout_free,
};

int cma_carveout_init(void)
{
	return 0;
}

void cma_carveout_exit(void)
{
}
