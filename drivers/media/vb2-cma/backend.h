/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Backends, the sources of the memory of buffers. Each backend is one table of
 * operations in one file.
 */
#ifndef VCMA_BACKEND_H
#define VCMA_BACKEND_H

#include <linux/types.h>

struct vcma_buf;
struct sg_table;
struct vm_area_struct;

/**
 * struct vcma_backend - a source of contiguous memory
 * @name: value of the module parameter that selects the backend
 * @coherent: the memory needs no cache maintenance, because its mappings have
 *	coherent attributes; the buffer has no &vcma_buf.page
 * @longterm: the pages may be pinned for a long time
 * @alloc: allocates &vcma_buf.size zeroed bytes that &vcma_buf.dev can address.
 *	Sets &vcma_buf.page, or, if the backend is coherent, &vcma_buf.vaddr
 *	and &vcma_buf.dma_addr. Returns 0 or a negative error code and logs
 *	nothing.
 * @free: frees the memory; at that time, the pages have no other references,
 *	and no device has a mapping of them
 * @mmap: maps the memory into a VMA; if NULL, the pages are mapped one by one
 * @sgtable: describes the memory to importers; if NULL, the table contains the
 *	pages of the buffer
 * @room: writes a clause with the size of the source and the free part of this
 *	size; if NULL, the clause contains the size of the free RAM
 * @advice: writes a clause with the setting that provides more memory; @wanted
 *	is the sum of the held and the missing bytes; if NULL, the backend cma
 *	writes the clause
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
