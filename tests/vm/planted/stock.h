/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes minicam a driver that knows nothing of vb2-cma. This header is included
 * before its source. The driver then uses the kernel's own allocator, as the
 * drivers of others do, and calls nothing of vb2-cma.
 */
#include <media/videobuf2-dma-contig.h>

#include "../../../drivers/media/vb2-cma/vb2-cma.h"

static inline void forget_nothing(struct device *dev)
{
}

#define vb2_cma_memops vb2_dma_contig_memops
#define vb2_cma_buf_finish NULL
#define vb2_cma_forget_device forget_nothing
