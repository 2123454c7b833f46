/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the memory of buffers comes from: one table, one file each.
 */
#ifndef VCMA_BACKEND_H
#define VCMA_BACKEND_H

#include <linux/types.h>

struct vcma_buf;
struct sg_table;
struct vm_area_struct;

/**
 * struct vcma_backend - a source of contiguous memory
 * @name: as the module parameter has it
 * @coherent: the memory needs no cache maintenance; its mappings have the
 *	attributes that takes, and no pages to refer to
 * @longterm: the pages may be pinned for long
 * @alloc: allocate &vcma_buf.size bytes, zeroed, that &vcma_buf.dev can reach,
 *	and set @page of the buffer, or, if coherent, @vaddr and @dma_addr; 0
 *	or a negative error code, without a message
 * @free: give them back; nobody refers to the pages, no device sees them
 * @mmap: map the memory into a VMA; NULL: page by page
 * @sgtable: describe the memory to importers; NULL: as the pages
 * @room: write how much there is and how much of it is free, as a clause;
 *	NULL: how much RAM is free
 * @advice: write what to set for more, as a clause; @wanted is what is held
 *	and missing, in bytes
 */
struct vcma_backend {
	const char *name;
	bool coherent;
	bool longterm;
	int (*alloc)(struct vcma_buf *buf, gfp_t gfp);
	void (*free)(struct vcma_buf *buf);
	int (*mmap)(struct vcma_buf *buf, struct vm_area_struct *vma);
	int (*sgtable)(struct vcma_buf *buf, struct sg_table *table);
	int (*room)(char *text, size_t len);
	int (*advice)(char *text, size_t len, u64 wanted);
};

extern const struct vcma_backend vcma_backend_cma;
extern const struct vcma_backend vcma_backend_contig;
extern const struct vcma_backend vcma_backend_carveout;
extern const struct vcma_backend vcma_backend_coherent;

/* backend.c */
int vcma_backend_alloc(struct vcma_buf *buf, gfp_t gfp);
int vcma_backend_room(char *text, size_t len);
int vcma_backend_advice(char *text, size_t len, u64 wanted);

/* backend-cma.c */
size_t vcma_cma_bytes(void);
unsigned long vcma_cma_megabytes(size_t total, u64 wanted);

/* backend-carveout.c */
int vcma_carveout_init(void);
void vcma_carveout_exit(void);

#endif
