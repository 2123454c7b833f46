// SPDX-License-Identifier: GPL-2.0-only
/*
 * Errors in one sentence with their numbers, for the driver to show where
 * its user looks.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

#include "backend.h"
#include "vcma-buf.h"
#include "vb2-cma.h"

/**
 * vb2_cma_explain_alloc() - why buffers could not be allocated, and the cure
 * @text: where to put the sentence
 * @len: room there; VB2_CMA_TEXT is enough
 * @size: bytes per buffer
 * @asked: buffers asked for
 * @got: buffers that exist now
 *
 * To be called right after the allocation. What was allocated and given back
 * because the rest did not fit counts as free: this waits until it is.
 */
void vb2_cma_explain_alloc(char *text, size_t len, size_t size,
			   unsigned int asked, unsigned int got)
{
	/* What is asked for need not fit into an address space of 32 bits. */
	u64 each = PAGE_ALIGN((u64)size);
	const char *refusal = vcma_attribute_refusal();
	u64 wanted;
	size_t n;

	if (each > VCMA_SIZE_MAX) {
		scnprintf(text, len,
			  "%u of %u buffers allocated: %llu bytes needed for each buffer, but a buffer can have at most %zu bytes",
			  got, asked, each, VCMA_SIZE_MAX);
		return;
	}
	if (refusal) {
		scnprintf(text, len, "%u of %u buffers allocated: %s", got,
			  asked, refusal);
		return;
	}

	vcma_wait_until_freed();
	wanted = vcma_bytes_held() + each * (asked - got);
	n = scnprintf(text, len,
		      "%u of %u buffers allocated: %u x %llu = %llu bytes of contiguous memory needed, ",
		      got, asked, asked, each, each * asked);
	n += vcma_backend_room(text + n, len - n);
	n += scnprintf(text + n, len - n, ", %zu parked; ",
		       vcma_bytes_parked());
	vcma_backend_advice(text + n, len - n, wanted);
}
EXPORT_SYMBOL_GPL(vb2_cma_explain_alloc);

static size_t dmabuf_contiguous(struct dma_buf *dmabuf, struct device *dev,
				bool *bounced)
{
	struct vcma_buf *buf = vcma_from_dmabuf(dmabuf);
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;
	size_t size = 0;

	/*
	 * A mapping would tell no more, and would cost cache maintenance. Two
	 * mappings of one device at a time also look like none to the checks
	 * of CONFIG_DMA_API_DEBUG.
	 */
	if (buf && (vcma_is_read_only(dmabuf) || !vcma_suits(dev, buf)))
		return 0;
	if (buf)
		return buf->size;

	attach = dma_buf_attach(dmabuf, dev);
	if (IS_ERR(attach))
		return 0;

	/* To read: undoing the mapping must drop nothing. */
	sgt = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	if (!IS_ERR(sgt)) {
		size = vcma_contiguous(sgt);
		*bounced = vcma_bounced(dev, sgt);
		dma_buf_unmap_attachment_unlocked(attach, sgt, DMA_TO_DEVICE);
	}
	dma_buf_detach(dmabuf, attach);

	return size;
}

static void explain_no_mapping(char *text, size_t len, struct device *dev,
			       struct dma_buf *dmabuf)
{
	struct vcma_buf *buf = vcma_from_dmabuf(dmabuf);
	size_t n;

	if (vcma_is_read_only(dmabuf)) {
		scnprintf(text, len,
			  "dma-buf of %s is for reading only: no device may write to it",
			  dmabuf->exp_name);
		return;
	}
	n = scnprintf(text, len, "dma-buf of %s cannot be mapped: ",
		      dmabuf->exp_name);
	if (buf && vcma_reach_explain(text + n, len - n, dev, buf))
		return;

	scnprintf(text, len, "dma-buf of %s cannot be mapped for this device",
		  dmabuf->exp_name);
}

/**
 * vb2_cma_explain_import() - why a dma-buf was refused
 * @text: where to put the sentence
 * @len: room there; VB2_CMA_TEXT is enough
 * @dev: the importing device
 * @fd: the dma-buf as user space named it
 * @given: length that user space stated, 0 for all of the dma-buf
 * @needed: bytes that a frame takes
 *
 * Return: true if the reason was found
 */
bool vb2_cma_explain_import(char *text, size_t len, struct device *dev,
			    int fd, size_t given, size_t needed)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	bool bounced = false, found = true;
	size_t contiguous;

	/* What is no dma-buf at all needs no more words than the error code. */
	if (IS_ERR(dmabuf))
		return false;

	if (!given || given > dmabuf->size)
		given = dmabuf->size;

	contiguous = dmabuf_contiguous(dmabuf, dev, &bounced);
	if (given < needed)
		scnprintf(text, len,
			  "buffer too small: %zu bytes needed, %zu given",
			  needed, given);
	else if (!contiguous)
		explain_no_mapping(text, len, dev, dmabuf);
	else if (contiguous < given)
		scnprintf(text, len,
			  "dma-buf of %s is not contiguous: %zu bytes needed in one piece, the first piece has %zu",
			  dmabuf->exp_name, given, contiguous);
	else if (bounced)
		scnprintf(text, len,
			  "dma-buf of %s cannot be mapped: the kernel would copy each frame through a bounce buffer",
			  dmabuf->exp_name);
	else
		found = false;

	dma_buf_put(dmabuf);

	return found;
}
EXPORT_SYMBOL_GPL(vb2_cma_explain_import);
