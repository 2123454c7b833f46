// SPDX-License-Identifier: GPL-2.0-only
/*
 * User mappings: the whole buffer at once, made of ordinary pages.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>

#include "../compat.h"
#include "backend.h"
#include "choice.h"
#include "vcma-buf.h"
#include "sync.h"

#define MMAP_CHUNK	32

static void vcma_vm_written(struct vm_area_struct *vma)
{
	struct vcma_maps *maps = vma->vm_private_data;

	/* No lock: a write that races with the hand-over is a bug anyway. */
	WRITE_ONCE(maps->user->written, true);
}

enum { MMAP_POPULATE, MMAP_FAULT };

static const char *const mmap_names[] = {
	[MMAP_POPULATE] = "populate",
	[MMAP_FAULT] = "fault",
};

static struct vcma_choice mmap_choice = {
	.names = mmap_names,
	.count = ARRAY_SIZE(mmap_names),
	.value = MMAP_POPULATE,
};

module_param_cb(mmap, &vcma_choice_ops, &mmap_choice, 0644);
MODULE_PARM_DESC(mmap,
		 "How buffers are mapped: populate (default: the whole buffer at once) or fault (page by page, at the first access)");

/* Add a mapping. Its process may read at once, without a SYNC before. */
static struct vcma_maps *add_map(struct vcma_buf *buf,
				 const struct mm_struct *mm,
				 enum vcma_origin origin)
{
	struct vcma_maps *maps;

	guard(mutex)(&buf->lock);

	maps = vcma_maps_get(buf, mm, origin);
	vcma_make_valid(buf, VCMA_REASON_MMAP);

	return maps;
}

/* A mapping is gone. What was written through it may be in the cache still. */
static void remove_map(struct vcma_maps *maps)
{
	struct vcma_buf *buf = maps->user->buf;

	guard(mutex)(&buf->lock);

	if (vcma_maps_put(maps))
		vcma_written(buf);
}

/*
 * Like vb2_common_vm_ops, plus who has mapped the buffer. Called for every
 * VMA that is made later: by fork, split or mremap.
 */
static void vcma_vm_open(struct vm_area_struct *vma)
{
	struct vcma_maps *maps = vma->vm_private_data;
	struct vcma_buf *buf = vcma_buf_get(maps->user->buf);

	vma->vm_private_data = add_map(buf, vma->vm_mm,
				       vcma_maps_origin(maps));
	/* Pages that fork copied are as writable as they were. */
	if (READ_ONCE(maps->user->written))
		vcma_vm_written(vma);
}

/* The page table entries of a VMA are gone before this is called. */
static void vcma_vm_close(struct vm_area_struct *vma)
{
	struct vcma_maps *maps = vma->vm_private_data;
	struct vcma_buf *buf = maps->user->buf;

	remove_map(maps);
	vcma_buf_put(buf);
}

/*
 * With mmap=fault, and for pages that madvise() took out of a mapping. A VMA
 * cannot grow and was checked to lie within the buffer.
 *
 * Given a page of a large piece, the kernel itself maps the whole piece where
 * that fits. A mapping with VM_MIXEDMAP must not get such an entry, see
 * vcma_vm_huge_fault(); its page is inserted here, by an entry of its own.
 */
static vm_fault_t vcma_vm_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vcma_maps *maps = vma->vm_private_data;
	struct page *page = maps->user->buf->page + vmf->pgoff;

	if (vma->vm_flags & VM_MIXEDMAP && folio_test_large(page_folio(page)))
		return vmf_insert_page_mkwrite(vmf, page, vmf->flags &
					       FAULT_FLAG_WRITE);

	vmf->page = page;
	get_page(page);

	return 0;
}

/* Pieces of a PMD each, in a mapping whose addresses are aligned alike. */
static bool maps_by_pmd(const struct vcma_buf *buf,
			const struct vm_area_struct *vma)
{
	return COMPAT_HAS_FOLIO_PMD &&
	       folio_order(page_folio(buf->page)) == PMD_ORDER &&
	       IS_ALIGNED((vma->vm_start >> PAGE_SHIFT) - vma->vm_pgoff,
			  1UL << PMD_ORDER);
}

/*
 * All of a piece by one entry. A mapping that was filled page by page has
 * VM_MIXEDMAP, and the kernel would split such an entry of it without dropping
 * its reference; moved to a fitting address, it could come here.
 */
static vm_fault_t vcma_vm_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	struct vcma_maps *maps = vma->vm_private_data;
	struct vcma_buf *buf = maps->user->buf;

	if (order != PMD_ORDER || vma->vm_flags & VM_MIXEDMAP ||
	    !maps_by_pmd(buf, vma) ||
	    !thp_vma_suitable_order(vma, vmf->address, order))
		return VM_FAULT_FALLBACK;

	return compat_insert_folio_pmd(vmf, page_folio(buf->page + vmf->pgoff),
				       vmf->flags & FAULT_FLAG_WRITE);
}

/*
 * The first write to a page. It is what tells that the cache may be dirty;
 * see vcma_users_wrote(). The page has no mapping to be looked up, and
 * without VM_FAULT_LOCKED the fault would therefore be retried for ever.
 */
static vm_fault_t vcma_vm_page_mkwrite(struct vm_fault *vmf)
{
	vcma_vm_written(vmf->vma);
	lock_page(vmf->page);

	return VM_FAULT_LOCKED;
}

/* Where writes do not fault, being allowed to write counts as writing. */
static int vcma_vm_mprotect(struct vm_area_struct *vma, unsigned long start,
			    unsigned long end, unsigned long flags)
{
	if (flags & VM_WRITE)
		vcma_vm_written(vma);

	return 0;
}

/* Memory whose pages must not be pinned for long: writes are noticed. */
static const struct vm_operations_struct vcma_vm_ops = {
	.open = vcma_vm_open,
	.close = vcma_vm_close,
	.fault = vcma_vm_fault,
	.page_mkwrite = vcma_vm_page_mkwrite,
};

/* A mapping with page_mkwrite takes no writable long-term pin. */
static const struct vm_operations_struct vcma_longterm_vm_ops = {
	.open = vcma_vm_open,
	.close = vcma_vm_close,
	.fault = vcma_vm_fault,
	.huge_fault = vcma_vm_huge_fault,
	.mprotect = vcma_vm_mprotect,
};

/* Mapped at once and without pages, which leaves nothing to fault. */
static const struct vm_operations_struct vcma_special_vm_ops = {
	.open = vcma_vm_open,
	.close = vcma_vm_close,
	.mprotect = vcma_vm_mprotect,
};

static int vcma_insert_pages(struct vcma_buf *buf, struct vm_area_struct *vma)
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

static int map_pages(struct vcma_buf *buf, struct vm_area_struct *vma)
{
	vma->vm_ops = &vcma_longterm_vm_ops;
	if (!buf->backend->longterm) {
		vma->vm_ops = &vcma_vm_ops;
		/* The caller's caller would do it, but after the insertion. */
		vma->vm_page_prot = vm_get_page_prot(vma->vm_flags &
						     ~VM_SHARED);
	}
	/* There is no way to insert a PMD but by its fault; they are few. */
	if (READ_ONCE(mmap_choice.value) == MMAP_FAULT || maps_by_pmd(buf, vma))
		return 0;

	return vcma_insert_pages(buf, vma);
}

/*
 * Entries without pages: whoever has a page uses it through the kernel's linear
 * mapping, which nobody may touch.
 */
static int map_wc(struct vcma_buf *buf, struct vm_area_struct *vma)
{
	vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);

	return remap_pfn_range(vma, vma->vm_start,
			       page_to_pfn(buf->page) + vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

/**
 * vcma_mmap() - map a buffer into a VMA
 * @buf: the buffer
 * @vma: a shared VMA within it; vm_pgoff is the offset in the buffer. Unless
 *	the backend allows long-term pins, and where the kernel has FS_DAX,
 *	the inode behind it has S_DAX set.
 * @origin: the file behind it
 *
 * The mapping is made of ordinary, reference-counted pages: direct I/O,
 * vmsplice and zero-copy sockets can pin them for a moment. A long-term pin
 * is another matter where the pages are in a CMA area: they cannot be
 * migrated out of it, and get_user_pages() would try for ever. S_DAX makes
 * it refuse at once with -EOPNOTSUPP, which is what filesystems on
 * persistent memory use it for: "pages that must not be pinned for long".
 * Nothing else reads the flag on such an inode. Without FS_DAX, page_mkwrite
 * makes a long-term pin for writing fail with -EFAULT. One for reading only,
 * which few ask for, still tries until its process is killed. The alternative
 * would be pages that cannot be pinned at all, not even for a moment. That is
 * so for write-combining and for coherent buffers.
 *
 * Return: 0, -ENXIO if the VMA exceeds the buffer, or an error of the
 * memory management
 */
int vcma_mmap(struct vcma_buf *buf, struct vm_area_struct *vma,
	      enum vcma_origin origin)
{
	unsigned long pages = buf->size >> PAGE_SHIFT;
	int ret;

	/* A mapping of a file that was opened to read only loses VM_SHARED. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -ENXIO;

	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);

	if (buf->wc || buf->backend->mmap) {
		vma->vm_ops = &vcma_special_vm_ops;
		ret = buf->wc ? map_wc(buf, vma) : buf->backend->mmap(buf, vma);
	} else {
		ret = map_pages(buf, vma);
	}
	if (ret)
		return ret;

	vcma_buf_get(buf);
	vma->vm_private_data = add_map(buf, vma->vm_mm, origin);
	if (vma->vm_ops != &vcma_vm_ops && vma->vm_flags & VM_WRITE)
		vcma_vm_written(vma);

	return 0;
}

static const struct file_operations vcma_file_ops = {
	.owner = THIS_MODULE,
};

/*
 * See vcma_mmap() for S_DAX, which needs an inode that nobody shares. SELinux
 * may forbid a program to make one. That must not forbid the camera, so the
 * mapping is then the same as without FS_DAX.
 */
static struct file *own_file(const struct vcma_buf *buf)
{
	struct file *file;

	if (!buf->backend->longterm && IS_ENABLED(CONFIG_FS_DAX)) {
		file = anon_inode_create_getfile("[vb2-cma]", &vcma_file_ops,
						 NULL, O_RDWR, NULL);
		if (!IS_ERR(file))
			file_inode(file)->i_flags |= S_DAX;
		if (file != ERR_PTR(-EACCES))
			return file;
	}

	return anon_inode_getfile("[vb2-cma]", &vcma_file_ops, NULL, O_RDWR);
}

/**
 * vcma_mmap_own_file() - map a buffer behind a file of its own
 * @buf: the buffer
 * @vma: the VMA, of a character device
 *
 * For a mapping of a video node. S_DAX means nothing on a character device's
 * inode, which many share anyway, so the VMA gets an anonymous file instead.
 * The VMA then no longer pins the node's file: the buffer lives by the
 * reference of the VMA, this module by the file's owner. That is so for all
 * backends, because a program sees the difference: when it closes the node,
 * streaming ends and the node is free for others, whatever is still mapped.
 *
 * Return: 0 or a negative error code
 */
int vcma_mmap_own_file(struct vcma_buf *buf, struct vm_area_struct *vma)
{
	struct file *file = own_file(buf);

	if (IS_ERR(file))
		return PTR_ERR(file);

	vma_set_file(vma, file);
	fput(file);

	return vcma_mmap(buf, vma, VCMA_NODE);
}
