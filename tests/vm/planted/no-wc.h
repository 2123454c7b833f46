/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fault for vb2-cma. This header is included before each source of vb2-cma.
 * The driver then believes that its write-combining mappings are that, but
 * they stay cached.
 */
#include <linux/mm.h>
#ifdef CONFIG_X86
#include <asm/set_memory.h>

static inline int no_set_memory(unsigned long addr, int numpages)
{
	return 0;
}

#define set_memory_wc no_set_memory
#define set_memory_wb no_set_memory
#endif

#undef pgprot_writecombine
#define pgprot_writecombine(prot) (prot)
