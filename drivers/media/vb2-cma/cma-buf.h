/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A cacheable, physically contiguous buffer shared by one DMA engine, the CPU
 * and importers. It knows nothing of videobuf2 or of cameras.
 */
#ifndef CMA_BUF_H
#define CMA_BUF_H

#include <linux/dma-direction.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/types.h>

struct device;
struct dma_buf;
struct page;
struct vm_area_struct;

/**
 * enum cma_buf_owner - whose view of the memory is the true one
 * @CMA_BUF_CPU: the CPU may read and write; caches may be dirty
 * @CMA_BUF_DEVICE: handed to the engine; the CPU must keep off
 * @CMA_BUF_STALE: the engine is done, the caches were not invalidated yet
 *
 * CPU -> DEVICE and STALE -> CPU happen in process context under
 * &cma_buf.lock. DEVICE -> STALE happens without it, possibly in a hard
 * interrupt; it is the only change possible in DEVICE and impossible in the
 * other two states, so a holder of the lock that has read CPU or STALE knows
 * that nobody changes it.
 */
enum cma_buf_owner {
	CMA_BUF_CPU,
	CMA_BUF_DEVICE,
	CMA_BUF_STALE,
};

/**
 * struct cma_buf - one buffer
 * @dev: the engine's device, referenced until the memory is freed
 * @page: first of the contiguous pages
 * @dma_addr: where @dev sees them
 * @size: bytes, a multiple of the page size
 * @dir: what @dev does with the memory
 * @refcount: the creator, every user mapping and every dma-buf
 * @lock: guards what follows
 * @owner: see &enum cma_buf_owner
 * @maps: CPU mappings, of user space and of the kernel
 * @begins: open begin_cpu_access calls
 * @attachments: importers, &struct cma_buf_attachment
 * @parked: entry in the list of buffers that wait to be freed
 */
struct cma_buf {
	struct device *dev;
	struct page *page;
	dma_addr_t dma_addr;
	size_t size;
	enum dma_data_direction dir;
	refcount_t refcount;

	struct mutex lock; /* see the kernel-doc above */
	enum cma_buf_owner owner;
	unsigned int maps;
	unsigned int begins;
	struct list_head attachments;

	struct list_head parked;
};

/* buf.c */
struct cma_buf *cma_buf_alloc(struct device *dev, size_t size,
			      enum dma_data_direction dir, gfp_t gfp);
struct cma_buf *cma_buf_get(struct cma_buf *buf);
void cma_buf_put(struct cma_buf *buf);
void cma_buf_free(struct cma_buf *buf);
size_t cma_buf_bytes_held(void);

/* park.c */
bool cma_buf_is_referenced(const struct cma_buf *buf);
void cma_buf_park(struct cma_buf *buf);
size_t cma_buf_bytes_parked(void);
void cma_buf_park_exit(void);

/* sync.c */
void cma_buf_to_device(struct cma_buf *buf);
void cma_buf_device_done(struct cma_buf *buf);
void cma_buf_finish(struct cma_buf *buf);
void cma_buf_begin_access(struct cma_buf *buf);
void cma_buf_end_access(struct cma_buf *buf);
void cma_buf_map_cpu(struct cma_buf *buf);
void cma_buf_unmap_cpu(struct cma_buf *buf);

/* mmap.c */
int cma_buf_mmap(struct cma_buf *buf, struct vm_area_struct *vma);
int cma_buf_mmap_own_file(struct cma_buf *buf, struct vm_area_struct *vma);

/* dmabuf.c */
struct dma_buf *cma_buf_export(struct cma_buf *buf, unsigned long flags);
struct cma_buf *cma_buf_from_dmabuf(struct dma_buf *dmabuf);
void cma_buf_sync_importers(struct cma_buf *buf, bool for_cpu);

#endif
