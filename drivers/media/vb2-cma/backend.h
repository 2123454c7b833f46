/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Backends. A backend is a source of memory for buffers. Each backend is one
 * table of operations in one file.
 */
#ifndef VCMA_BACKEND_H
#define VCMA_BACKEND_H

#include <linux/mutex.h>
#include <linux/types.h>

struct vcma_buf;
struct sg_table;
struct device;
struct page;
struct vm_area_struct;

/**
 * struct vcma_backend - a source of contiguous memory
 * @name: value of the module parameter that selects the backend
 * @coherent: true if the memory needs no cache maintenance, because all
 *	mappings of the memory are coherent; buffers of a coherent backend have
 *	no &vcma_buf.page
 * @longterm: true if the pages may be pinned for a long time
 * @frozen: true if @free frees the pages whatever references they have; such
 *	pages are freed after a grace period
 * @alloc: allocates &vcma_buf.size zeroed bytes that &vcma_buf.dev can address;
 *	asks vcma_reach_check() for memory with pages.
 *	If the backend is coherent, @alloc sets &vcma_buf.vaddr and
 *	&vcma_buf.dma_addr. Otherwise, @alloc sets &vcma_buf.page. @alloc
 *	returns 0 or a negative error code and logs nothing.
 * @free: frees the memory; at that time, the pages have no other references,
 *	and no device has a mapping of the pages
 * @mmap: maps the memory into a VMA; if NULL, the pages are mapped one by one
 * @sgtable: describes the memory to importers; if NULL, the table contains the
 *	pages of the buffer
 * @room: writes the part of an error sentence that states how large the source
 *	is and how many bytes are free. If @room is NULL, this part of the
 *	sentence states the size of the free RAM.
 * @advice: writes the part of an error sentence that names the setting for more
 *	memory. The argument wanted is the number of allocated bytes plus the
 *	number of missing bytes. If @advice is NULL, the backend cma writes
 *	this part of the sentence.
 */
struct vcma_backend {
	const char *name;
	bool coherent;
	bool longterm;
	bool frozen;
	int (*alloc)(struct vcma_buf *buf, gfp_t gfp);
	void (*free)(struct vcma_buf *buf);
	int (*mmap)(struct vcma_buf *buf, struct vm_area_struct *vma);
	int (*sgtable)(struct vcma_buf *buf, struct sg_table *table);
	int (*room)(char *text, size_t len);
	int (*advice)(char *text, size_t len, u64 wanted);
};

extern struct mutex vcma_isolation_lock;

extern const struct vcma_backend vcma_backend_cma;
extern const struct vcma_backend vcma_backend_contig;
extern const struct vcma_backend vcma_backend_carveout;
extern const struct vcma_backend vcma_backend_coherent;

/* backend.c */
int vcma_backend_alloc(struct vcma_buf *buf, gfp_t gfp);
void vcma_backend_clear(const struct vcma_buf *buf);
int vcma_backend_room(char *text, size_t len);
int vcma_backend_advice(char *text, size_t len, u64 wanted);

/* reach.c */
void vcma_reach_reset(void);
bool vcma_in_reach(struct device *dev, phys_addr_t phys, size_t size);
bool vcma_suits(struct device *dev, const struct vcma_buf *buf);
bool vcma_reach_check(const struct vcma_buf *buf, phys_addr_t phys);
int vcma_reach_explain(char *text, size_t len, struct device *dev,
		       const struct vcma_buf *buf);
int vcma_reach_room(char *text, size_t len);
int vcma_reach_advice(char *text, size_t len, const char *lower, u64 wanted);

/* area-cma.c or area-dma.c, whichever suits the kernel */
#ifdef CONFIG_DMA_CMA
/**
 * vcma_area_take() - take pages from the CMA area of a buffer's device
 * @buf: the buffer; its size and its device are set. Its member area belongs to
 *	this function and to vcma_area_give_back().
 * @zeroed: becomes true if the pages are zeroed already
 *
 * vcma_isolation_lock is held.
 *
 * Unlike memory that is allocated for the device itself, these pages may stay
 * with their users when the driver leaves the device.
 *
 * Return: the first page; each page has one reference. NULL if there is no area
 * or no room in it
 */
struct page *vcma_area_take(struct vcma_buf *buf, bool *zeroed);

/**
 * vcma_area_give_back() - return pages to the CMA area
 * @buf: the buffer; its member page is set
 */
void vcma_area_give_back(struct vcma_buf *buf);

/**
 * vcma_area_exit() - free what vcma_area_take() needs; there are no buffers
 */
void vcma_area_exit(void);
#else
static inline struct page *vcma_area_take(struct vcma_buf *buf, bool *zeroed)
{
	return NULL;
}

static inline void vcma_area_give_back(struct vcma_buf *buf)
{
}

static inline void vcma_area_exit(void)
{
}
#endif

/* backend-cma.c */
unsigned long vcma_cma_megabytes(u64 total, u64 wanted);

/* backend-carveout.c */
int vcma_carveout_init(void);
void vcma_carveout_exit(void);

#endif
