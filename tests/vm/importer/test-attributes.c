// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the memory type of a mapping, for the tests: what the CPU finds in the
 * page tables, not what a driver asked for.
 *
 * On arm64, the CPU itself translates the address, and says which type it found
 * (in the encoding of MAIR_EL1). On x86, the page table entry selects a type
 * from the CPU's table of types (in the encoding of IA32_PAT).
 */
#include <linux/bits.h>
#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/irqflags.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#ifdef CONFIG_X86
#include <asm/msr.h>
#endif

#include "../../../drivers/media/compat.h"

/*
 * The argument is a u64: an address in the caller's memory that the caller has
 * accessed, or the file descriptor of a dma-buf. The result is the type of the
 * mapping there, of the kernel's linear mapping of the same page, or of the
 * mapping that the exporter makes for the kernel.
 */
#define TYPE_OF_USER	_IO('a', 0)
#define TYPE_OF_LINEAR	_IO('a', 1)
#define TYPE_OF_VMAP	_IO('a', 2)

#if defined(CONFIG_X86)
#define PAT_BITS	8
#define PAT_TYPE	GENMASK(2, 0)

static int type_of_entry(pte_t entry, unsigned int level)
{
	pteval_t value = pte_val(entry);
	pteval_t pat = level == PG_LEVEL_4K ? _PAGE_PAT : _PAGE_PAT_LARGE;
	u32 half, low, high;
	unsigned int index;

	rdmsr(MSR_IA32_CR_PAT, low, high);
	half = value & pat ? high : low;
	index = (value & _PAGE_PCD ? 2 : 0) + (value & _PAGE_PWT ? 1 : 0);

	return half >> (index * PAT_BITS) & PAT_TYPE;
}

static int type_of_kernel(unsigned long address)
{
	unsigned int level;
	pte_t *entry = lookup_address(address, &level);

	return entry && pte_present(*entry) ? type_of_entry(*entry, level) :
					      -EFAULT;
}

static int type_of_user(unsigned long address, pte_t entry)
{
	return type_of_entry(entry, PG_LEVEL_4K);
}
#elif defined(CONFIG_ARM64)
#define PAR_FAILED	BIT_ULL(0)
#define PAR_TYPE_SHIFT	56

/* An interrupt handler might translate another address in between. */
#define TYPE_BY(translation, address)					\
({									\
	unsigned long flags;						\
	u64 par;							\
									\
	local_irq_save(flags);						\
	asm volatile("at " translation ", %0" : : "r" (address));	\
	isb();								\
	par = read_sysreg(par_el1);					\
	local_irq_restore(flags);					\
	par & PAR_FAILED ? -EFAULT : (int)(par >> PAR_TYPE_SHIFT);	\
})

static int type_of_kernel(unsigned long address)
{
	return TYPE_BY("s1e1r", address);
}

static int type_of_user(unsigned long address, pte_t entry)
{
	return TYPE_BY("s1e0r", address);
}
#else
static int type_of_kernel(unsigned long address)
{
	return -EOPNOTSUPP;
}

static int type_of_user(unsigned long address, pte_t entry)
{
	return -EOPNOTSUPP;
}
#endif

static int read_entry(pte_t *pte, unsigned long address, void *data)
{
	pte_t *entry = data;

	*entry = ptep_get(pte);

	return pte_present(*entry) ? 0 : -EFAULT;
}

static int find_entry(unsigned long address, pte_t *entry)
{
	struct mm_struct *mm = current->mm;
	int ret = -EFAULT;

	mmap_read_lock(mm);
	if (vma_lookup(mm, address))
		ret = apply_to_page_range(mm, address & PAGE_MASK, PAGE_SIZE,
					  read_entry, entry);
	mmap_read_unlock(mm);

	return ret;
}

static int type_of_vmap(int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	struct iosys_map map;
	int ret;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	ret = dma_buf_vmap_unlocked(dmabuf, &map);
	if (!ret) {
		ret = type_of_kernel((unsigned long)map.vaddr);
		dma_buf_vunmap_unlocked(dmabuf, &map);
	}
	dma_buf_put(dmabuf);

	return ret;
}

static int type_of_page(unsigned int cmd, unsigned long address)
{
	pte_t entry;
	int ret;

	ret = find_entry(address, &entry);
	if (ret)
		return ret;
	if (cmd == TYPE_OF_USER)
		return type_of_user(address, entry);

	return type_of_kernel((unsigned long)pfn_to_kaddr(pte_pfn(entry)));
}

static long attributes_ioctl(struct file *file, unsigned int cmd,
			     unsigned long arg)
{
	u64 value;

	if (copy_from_user(&value, (void __user *)arg, sizeof(value)))
		return -EFAULT;

	switch (cmd) {
	case TYPE_OF_USER:
	case TYPE_OF_LINEAR:
		return type_of_page(cmd, value);
	case TYPE_OF_VMAP:
		return type_of_vmap(value);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations attributes_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = attributes_ioctl,
};

static struct miscdevice attributes_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "test-attributes",
	.fops = &attributes_fops,
};

module_misc_device(attributes_misc);

MODULE_DESCRIPTION("Memory types of mappings, for tests");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
