/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vb2-cma: cacheable, contiguous, page-backed buffers for videobuf2.
 *
 * A driver needs four lines to use vb2-cma. The driver sets queue->mem_ops to
 * &vb2_cma_memops, calls vb2_cma_buf_finish() in its buf_finish operation, gets
 * the DMA address from vb2_cma_plane_dma_addr(), and calls
 * vb2_cma_forget_device() at the end of its remove function.
 *
 * A driver that fills the buffers by the CPU, and does no DMA, sets
 * queue->mem_ops to &vb2_cma_cpu_memops, calls vb2_cma_cpu_buf_finish() in its
 * buf_finish operation, and gets the address from vb2_plane_vaddr().
 */
#ifndef VB2_CMA_H
#define VB2_CMA_H

#include <media/videobuf2-core.h>

struct dma_resv;

/* Size of a buffer that holds any text of the explain functions, bytes */
#define VB2_CMA_TEXT	320

extern const struct vb2_mem_ops vb2_cma_memops;
extern const struct vb2_mem_ops vb2_cma_cpu_memops;

/**
 * vb2_cma_plane_dma_addr() - get the DMA address of a plane
 * @vb: buffer of a queue that uses vb2_cma_memops or vb2_dma_contig_memops
 * @plane: index of the plane
 *
 * Return: the DMA address
 */
static inline dma_addr_t vb2_cma_plane_dma_addr(struct vb2_buffer *vb,
						unsigned int plane)
{
	dma_addr_t *addr = vb2_plane_cookie(vb, plane);

	return *addr;
}

void vb2_cma_buf_finish(struct vb2_buffer *vb);
struct dma_resv *vb2_cma_plane_resv(struct vb2_buffer *vb, unsigned int plane);
void vb2_cma_forget_device(struct device *dev);
bool vb2_cma_device_in_use(struct device *dev);
void vb2_cma_cpu_buf_finish(struct vb2_buffer *vb);

void vb2_cma_explain_alloc(char *text, size_t len, size_t size,
			   unsigned int asked, unsigned int got);
bool vb2_cma_explain_import(char *text, size_t len, struct device *dev,
			    int fd, size_t given, size_t needed);

#endif
