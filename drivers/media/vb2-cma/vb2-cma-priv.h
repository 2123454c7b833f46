/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the videobuf2 side share among themselves.
 */
#ifndef VB2_CMA_PRIV_H
#define VB2_CMA_PRIV_H

#include <linux/types.h>

struct sg_table;

size_t vb2_cma_contiguous(struct sg_table *sgt);

#endif
