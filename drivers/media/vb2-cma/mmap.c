// SPDX-License-Identifier: GPL-2.0-only
/*
 * User mappings: the whole buffer at once, made of ordinary pages.
 */
#include <linux/anon_inodes.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>

#include "cma-buf.h"

#define MMAP_CHUNK	32

/*
 * Like vb2_common_vm_ops, plus the count of CPU mappings. The page table
 * entries of a VMA are gone before close is called.
 */
static void cma_buf_vm_open(struct vm_area_struct *vma)
{
	struct cma_buf *buf = vma->vm_private_data;

	cma_buf_get(buf);
	cma_buf_map_cpu(buf);
}

static void cma_buf_vm_close(struct vm_area_struct *vma)
{
	struct cma_buf *buf = vma->vm_private_data;

	cma_buf_unmap_cpu(buf);
	cma_buf_put(buf);
}

static const struct vm_operations_struct cma_buf_vm_ops = {
	.open = cma_buf_vm_open,
	.close = cma_buf_vm_close,
};

static int cma_buf_insert_pages(struct cma_buf *buf,
				struct vm_area_struct *vma)
{
	struct page *page = buf->page + vma->vm_pgoff;
	unsigned long addr = vma->vm_start;
	unsigned long left = vma_pages(vma);
	struct page *chunk[MMAP_CHUNK];

	while (left) {
		unsigned long count = min_t(unsigned long, left, MMAP_CHUNK);
		unsigned long remaining = count;
		unsigned long i;
		int ret;

		for (i = 0; i < count; i++)
			chunk[i] = page + i;

		/* On failure the caller's caller undoes a partial mapping. */
		ret = vm_insert_pages(vma, addr, chunk, &remaining);
		if (ret)
			return ret;

		page += count;
		addr += count * PAGE_SIZE;
		left -= count;
	}

	return 0;
}

/**
 * cma_buf_mmap() - map a buffer into a VMA
 * @buf: the buffer
 * @vma: a shared VMA within it; vm_pgoff is the offset in the buffer. Where
 *	the kernel has FS_DAX, the inode behind it has S_DAX set.
 *
 * vm_insert_pages() makes a mapping of ordinary, reference-counted pages:
 * direct I/O, vmsplice and zero-copy sockets can pin them for a moment. A
 * long-term pin is another matter: the pages are in a CMA area and cannot be
 * migrated out of it, and get_user_pages() would try for ever. S_DAX makes
 * it refuse at once with -EOPNOTSUPP, which is what filesystems on
 * persistent memory use it for: "pages that must not be pinned for long".
 * Nothing else reads the flag on such an inode. Without FS_DAX the only way
 * to keep the kernel from looping is a mapping that cannot be pinned at all.
 *
 * Return: 0, -ENXIO if the VMA exceeds the buffer, or an error of the
 * memory management
 */
int cma_buf_mmap(struct cma_buf *buf, struct vm_area_struct *vma)
{
	unsigned long pages = buf->size >> PAGE_SHIFT;
	int ret;

	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -ENXIO;

	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);

	if (IS_ENABLED(CONFIG_FS_DAX))
		ret = cma_buf_insert_pages(buf, vma);
	else
		ret = dma_mmap_pages(buf->dev, vma, buf->size, buf->page);
	if (ret)
		return ret;

	vma->vm_private_data = buf;
	vma->vm_ops = &cma_buf_vm_ops;
	cma_buf_vm_open(vma);

	return 0;
}

static const struct file_operations cma_buf_file_ops = {
	.owner = THIS_MODULE,
};

/**
 * cma_buf_mmap_own_file() - map a buffer behind a file of its own
 * @buf: the buffer
 * @vma: the VMA, of a character device
 *
 * For a mapping of a video node. S_DAX means nothing on a character device's
 * inode, which many share anyway, so the VMA gets an anonymous file instead.
 * The VMA then no longer pins the node's file: the buffer lives by the
 * reference taken in cma_buf_vm_open(), this module by the file's owner.
 *
 * Return: 0 or a negative error code
 */
int cma_buf_mmap_own_file(struct cma_buf *buf, struct vm_area_struct *vma)
{
	struct file *file;

	if (IS_ENABLED(CONFIG_FS_DAX)) {
		file = anon_inode_create_getfile("[vb2-cma]",
						 &cma_buf_file_ops, NULL,
						 O_RDWR, NULL);
		if (IS_ERR(file))
			return PTR_ERR(file);

		file_inode(file)->i_flags |= S_DAX;
		vma_set_file(vma, file);
		fput(file);
	}

	return cma_buf_mmap(buf, vma);
}
